// Audit log: filters, detail pages, live updates and verification.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { source } from '../page-helpers';
import { expect, test } from '../test';

test('a refused attempt can be found, read in full and verified in the hash chain', async ({ ada, team, browser }) => {
  const mei = await team.add('Mei', 'member');
  const refused = await mei.requests.post('/actions/people/create', {
    form: { name: 'Eve', email: 'eve@example.org', tenant_role: 'admin' },
  });
  expect(refused.status()).toBe(403);

  const page = await ada.open(browser);
  await page.goto('/audit');
  await page.getByLabel('Action').selectOption('person.create');
  await page.getByLabel('Outcome').selectOption({ label: 'Refused' });
  await page.getByLabel('Actor').selectOption({ label: `Mei (${mei.email})` });
  await page.getByRole('button', { name: 'Search' }).click();
  await expect(page).toHaveURL(/action=person\.create/);
  const rows = page.getByRole('region', { name: 'Audit' }).locator('tbody tr');
  await expect(rows).toHaveCount(1);
  await expect(rows).toContainText('Mei');
  await rows.getByRole('link').click();

  await expect(page.getByRole('heading', { level: 1 })).toHaveText(/^Audit event \d+$/);
  await expect(page.getByText('Hash matches')).toBeVisible();
  expect(await source(page, 'Personal data')).toContain(mei.email);
  expect(await source(page, 'Record'), 'personal data is stored separately').not.toContain(mei.email);
  const title = await page.getByRole('heading', { level: 1 }).innerText();
  await page.getByRole('link', { name: 'Previous' }).click();
  await expect(page.getByRole('heading', { level: 1 })).not.toHaveText(title);
  await page.getByRole('link', { name: 'Next' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(title);
  await page.getByRole('link', { name: 'all events by this actor' }).click();
  await expect(page).toHaveURL(/person=/);
});

test('new audit events appear in an open list', async ({ ada, team, browser }) => {
  const page = await ada.open(browser);
  await page.goto('/audit?action=key.create');
  const rows = page.getByRole('region', { name: 'Audit' }).locator('tbody tr');
  const before = await rows.count();
  const mei = await team.add('Mei', 'member');
  await mei.act('keys/create', { name: 'Any', 'scopes[]': 'tasks:read', days: '30' });
  await expect(rows).toHaveCount(before + 1);
});

test('the audit log is verified from the command line while the server runs', async ({ ada, team }) => {
  await team.add('Mei', 'member');
  // Status 4: the log is consistent, but this server has not signed it yet.
  const result = await promisify(execFile)(...ada.castellan.command('audit', 'verify')).catch((failed) => failed);
  expect([undefined, 4]).toContain(result.code);
  expect(result.stdout).toMatch(/Foundry.* events verified/);
});
