// People: account creation, password links, memberships and tenant roles.
import type { Page } from '@playwright/test';
import { address, PASSWORD } from '../users';
import { signIn } from '../page-helpers';
import { expect, test } from '../test';

async function createPerson(page: Page, name: string, email: string, organization: string): Promise<string> {
  await page.goto('/people');
  await page.getByRole('link', { name: 'New person' }).click();
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Email address', { exact: true }).fill(email);
  await page.getByLabel('Organization', { exact: true }).selectOption({ label: organization });
  await page.getByLabel('Role', { exact: true }).selectOption({ label: 'Viewer: can view shared tasks' });
  await page.getByRole('button', { name: 'Create person and link' }).click();
  return page.locator('.secret-value code').innerText();
}

test('an admin creates a person, who sets a password with a one-time link', async ({ ada, team, browser }) => {
  const page = await ada.open(browser);
  const email = address('Grace');
  const link = await createPerson(page, 'Grace', email, team.name);
  await expect(page.getByRole('heading', { name: 'Person created. Share this link with them' })).toBeVisible();
  await page.getByRole('link', { name: 'I have stored it' }).click();
  await expect(page.getByRole('row', { name: email })).toContainText('Invited');

  const hers = await (await browser.newContext({ baseURL: ada.castellan.origin })).newPage();
  await hers.goto(link);
  await expect(hers.getByText('For Grace')).toBeVisible();
  await hers.getByLabel('New password').fill('grace');
  await hers.getByRole('button', { name: 'Set password and sign in' }).click();
  await expect(hers.getByRole('alert')).toBeVisible();
  await hers.getByLabel('New password').fill(PASSWORD);
  await hers.getByRole('button', { name: 'Set password and sign in' }).click();
  await expect(hers).toHaveURL('/');
  await expect(hers.locator('.person-name')).toHaveText('Grace');
  await expect(page.getByRole('row', { name: email }), 'the open list is updated').toContainText('Active');

  const stranger = await (await browser.newContext({ baseURL: ada.castellan.origin })).newPage();
  expect((await stranger.goto(link))!.ok()).toBe(false);
  await expect(stranger.getByRole('button', { name: 'Set password and sign in' })).toHaveCount(0);
});

test('an email address is unique', async ({ ada, team, browser }) => {
  const grace = await team.add('Grace', 'member');
  const page = await ada.open(browser);
  await page.goto('/people/new');
  await page.getByLabel('Name').fill('Another Grace');
  await page.getByLabel('Email address', { exact: true }).fill(grace.email.toUpperCase());
  await page.getByRole('button', { name: 'Create person and link' }).click();
  await expect(page.getByRole('alert')).toBeVisible();
  await expect(page.getByLabel('Name')).toHaveValue('Another Grace');
});

test('a new password link replaces the previous one, and the password works until it is used', async ({ ada, team, browser }) => {
  const grace = await team.add('Grace', 'member');
  const page = await ada.open(browser);
  await page.goto('/people');
  await page.getByRole('row', { name: grace.email }).getByRole('link').click();
  const links: string[] = [];
  for (let n = 0; n < 2; n++) {
    await page.getByText('Create password link…').click();
    await expect(page.getByText('Earlier links stop working.')).toBeVisible();
    await page.getByRole('button', { name: 'Create link' }).click();
    links.push(await page.locator('.secret-value code').innerText());
    await page.getByRole('link', { name: 'I have stored it' }).click();
  }
  const hers = await (await browser.newContext({ baseURL: ada.castellan.origin })).newPage();
  expect((await hers.goto(links[0]))!.ok()).toBe(false);
  await hers.goto('/sign-in');
  await signIn(hers, grace.email, PASSWORD);
  await expect(hers).toHaveURL('/');

  const other = await (await browser.newContext({ baseURL: ada.castellan.origin })).newPage();
  await other.goto(links[1]);
  await other.getByLabel('New password').fill('seven green umbrellas sing');
  await other.getByRole('button', { name: 'Set password and sign in' }).click();
  await expect(other).toHaveURL('/');
  await hers.goto('/');
  await expect(hers, 'other sessions are ended').toHaveURL(/\/sign-in/);
});

for (const javaScriptEnabled of [true, false]) {
  test(`an owner adds members, changes their roles and removes them${javaScriptEnabled ? '' : ' without JavaScript'}`, async ({ team, browser }) => {
    const [omar, mei] = [await team.add('Omar', 'owner'), await team.add('Mei', 'viewer')];
    const [his, hers] = [await omar.open(browser, { javaScriptEnabled }), await mei.open(browser)];
    await hers.goto('/tasks/new');
    await expect(hers.getByText('You cannot submit tasks yet')).toBeVisible();

    await his.goto('/organizations');
    await his.getByRole('link', { name: team.name, exact: true }).click();
    await his.getByLabel('Role of Mei').selectOption({ label: 'Member: can also submit tasks' });
    await his.getByRole('row', { name: mei.email }).getByRole('button', { name: 'Change role' }).click();
    await expect(his.getByLabel('Role of Mei')).toHaveValue('member');
    await hers.goto('/tasks/new');
    await expect(hers.getByRole('button', { name: 'Submit task' })).toBeVisible();

    const row = his.getByRole('row', { name: mei.email });
    await row.getByRole('link', { name: 'Remove… Mei' }).click();
    await expect(his.getByRole('heading', { level: 1, name: `Remove Mei from ${team.name}` })).toBeVisible();
    await his.getByRole('button', { name: 'Remove from organization' }).click();
    await expect(his.getByRole('heading', { level: 1, name: team.name, exact: true })).toBeVisible();
    await expect(row).toHaveCount(0);
    await hers.goto('/organizations');
    await expect(hers.getByText('No organizations yet')).toBeVisible();

    await his.getByLabel('Email address', { exact: true }).fill('nobody.at.all@example.org');
    await his.getByRole('button', { name: 'Add to organization' }).click();
    await expect(his.getByRole('alert')).toContainText('no person in this tenant has this address');
    await his.getByLabel('Email address', { exact: true }).fill(mei.email);
    await his.getByLabel('Role', { exact: true }).selectOption({ label: 'Approver: can also decide approval requests' });
    await his.getByRole('button', { name: 'Add to organization' }).click();
    await expect(his.getByLabel('Role of Mei')).toHaveValue('approver');
  });
}

test('an admin creates an organization and an auditor; other members cannot list people', async ({ ada, team, browser }) => {
  const mei = await team.add('Mei', 'member');
  const page = await ada.open(browser);
  await page.goto('/organizations');
  await page.getByRole('link', { name: 'New organization' }).click();
  const name = `Research of ${team.name}`;
  await page.getByLabel('Organization', { exact: true }).fill(name);
  await page.getByRole('button', { name: 'Create organization' }).click();
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();

  const hers = await mei.open(browser);
  expect((await hers.goto('/people'))!.status()).toBe(404);
  expect((await hers.goto('/audit'))!.ok()).toBe(false);
  await expect(hers.getByRole('link', { name: 'Audit' })).toHaveCount(0);

  await page.goto('/people');
  await page.getByRole('row', { name: mei.email }).getByRole('link').click();
  await page.getByLabel('Tenant role').selectOption({ label: 'Auditor: can view everything, cannot change anything' });
  await page.getByRole('button', { name: 'Change role' }).click();
  await expect(page.getByLabel('Tenant role')).toHaveValue('auditor');
  // The session continues with a new cookie and the permissions of an auditor.
  expect((await hers.goto('/audit'))!.ok()).toBe(true);
  await expect(hers.getByRole('link', { name: 'New person' })).toHaveCount(0);
});
