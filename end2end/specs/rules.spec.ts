// Rules: everyone can read them, admins can change them, and they apply to new tasks.
import type { Page } from '@playwright/test';
import { Castellan } from '../castellan';
import { section, state, submitTask } from '../page-helpers';
import { PASSWORD, secondAdmin, setUp, Team } from '../users';
import { expect, test } from '../test';

async function save(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Review changes' }).click();
  await page.getByRole('button', { name: 'Save rules' }).click();
}

test('an admin adds, orders and removes rules, which take effect when saved', async ({ fresh, browser }) => {
  const ada = await setUp(fresh);
  const page = await ada.open(browser);
  const names = page.getByRole('region', { name: 'Rules' }).locator('tbody th');
  await page.goto('/rules');
  await expect(names).toHaveText(['Isolated scripts run immediately', 'Everything else requires approval']);

  await page.getByRole('link', { name: 'Edit rules' }).click();
  await page.getByRole('button', { name: 'Add rule' }).click();
  const third = page.getByRole('group', { name: 'Rule 3' });
  await third.getByLabel('Name', { exact: true }).fill('Sealed scripts ask two');
  await third.getByLabel('Isolated').check();
  await third.getByLabel('Approvers').fill('2');
  await page.getByRole('button', { name: 'Move rule 3 up' }).click();
  await page.getByRole('button', { name: 'Move rule 2 up' }).click();
  await page.getByRole('button', { name: 'Remove rule 2' }).click();
  await expect(page.getByRole('group', { name: 'Rule 1' }).getByLabel('Name', { exact: true })).toHaveValue('Sealed scripts ask two');
  await expect(page.getByRole('group', { name: 'Rule 1' }).getByLabel('Isolated')).toBeChecked();
  await expect(page.getByRole('group', { name: /^Rule/ })).toHaveCount(2);

  const other = await ada.open(browser);
  await other.goto('/rules');
  await expect(other.getByRole('region', { name: 'Rules' }).locator('tbody th')).toHaveText([
    'Isolated scripts run immediately',
    'Everything else requires approval',
  ]);

  await save(page);
  await expect(page).toHaveURL('/rules');
  await expect(names).toHaveText(['Sealed scripts ask two', 'Everything else requires approval']);
  await expect(other.getByText('two approvers').or(other.getByText('2 approvers')), 'an open page is updated').toBeVisible();

  await page.goto('/tasks/new');
  await expect(page.locator('.consequence')).toContainText('requires 2 approvals from approvers of the organization');
  await submitTask(page, { title: 'Now requires approval', script: 'true' });
  await expect(state(page)).toHaveText('Awaiting approval');
});

test('invalid rules are refused with an error at each field', async ({ fresh, browser }) => {
  const ada = await setUp(fresh);
  const page = await ada.open(browser);
  await page.goto('/rules/edit');
  await page.getByRole('group', { name: 'Rule 2' }).getByLabel('Approvers').fill('0');
  await page.getByRole('button', { name: 'Add rule' }).click();
  await page.getByRole('button', { name: 'Review changes' }).click();
  await expect(page.getByRole('alert').getByRole('link')).toHaveCount(2);
  await page.getByRole('alert').getByRole('link', { name: /Approvers/ }).click();
  await expect(page.getByRole('group', { name: 'Rule 2' }).getByLabel('Approvers')).toBeFocused();
  await page.getByRole('link', { name: 'Discard changes' }).click();
  await expect(page.getByRole('region', { name: 'Rules' }).locator('tbody tr')).toHaveCount(2);
});

test('a concurrent change of the rules is refused', async ({ fresh, browser }) => {
  const ada = await setUp(fresh);
  const pages = [await ada.open(browser), await ada.open(browser)];
  for (const [n, page] of pages.entries()) {
    await page.goto('/rules/edit');
    await page.getByRole('group', { name: 'Rule 1' }).getByLabel('Name', { exact: true }).fill(`Named by ${n}`);
    await page.getByRole('button', { name: 'Review changes' }).click();
    await expect(page.getByRole('heading', { name: 'Review rule changes' })).toBeVisible();
  }
  await pages[0].getByRole('button', { name: 'Save rules' }).click();
  await expect(pages[0]).toHaveURL('/rules');
  const answer = pages[1].waitForResponse((response) => response.request().method() === 'POST');
  await pages[1].getByRole('button', { name: 'Save rules' }).click();
  expect((await answer).status()).toBe(409);
  await expect(pages[1].getByRole('alert')).toBeVisible();
  await pages[1].getByRole('button', { name: 'Edit rules' }).click();
  await expect(pages[1].getByRole('group', { name: 'Rule 1' }).getByLabel('Name', { exact: true })).toHaveValue('Named by 1');
});

test('people without the admin role can read but not change the rules', async ({ fresh, browser }) => {
  const team = await Team.of(await setUp(fresh), 'Readers');
  const mei = await team.add('Mei', 'owner');
  const page = await mei.open(browser);
  await page.goto('/rules');
  await expect(page.getByRole('region', { name: 'Rules' }).locator('tbody tr')).toHaveCount(2);
  await expect(page.getByRole('link', { name: 'Edit rules' })).toHaveCount(0);
  expect((await page.goto('/rules/edit'))!.status()).toBe(403);
  const form = { version: '1', 'rules[0][name]': 'Mine', 'rules[0][effect]': 'run' };
  expect((await mei.requests.post('/actions/rules/change', { form })).status()).toBe(403);
});

test('D-05 less strict rules are reviewed, proven and confirmed by a second admin, and an earlier version is restored', async ({ browser }) => {
  const castellan = await Castellan.start({ CASTELLAN_SESSIONS_STEP_UP: '10s' });
  const ada = await setUp(castellan);
  const noor = await secondAdmin(castellan, 'Noor');
  await ada.act('approvals/dual-control', { enabled: 'true' });
  await ada.submit({ script: 'echo open', title: 'Rotate the keys', network_policy: 'unrestricted' });
  const prove = async (page: Page) => {
    await expect(page.getByRole('heading', { name: 'Confirm your identity' })).toBeVisible();
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Continue' }).click();
  };

  const page = await ada.open(browser);
  await page.goto('/rules/edit');
  await page.getByRole('group', { name: 'Rule 2' }).getByLabel('Effect').selectOption({ label: 'Run immediately' });
  await page.getByRole('button', { name: 'Review changes' }).click();
  await expect(page.getByText('may permit something')).toBeVisible();
  await expect(page.locator('.diff .removed')).toContainText('Require approval');
  await expect(page.locator('.diff .added')).toContainText('Run immediately');
  await expect(section(page, 'Effect on the last 7 days')).toContainText('1 of 1 tasks');
  await expect(section(page, 'Effect on the last 7 days').getByRole('link', { name: 'Rotate the keys' })).toBeVisible();
  await page.getByLabel('Network policy').last().selectOption({ label: 'Unrestricted' });
  await page.getByRole('button', { name: 'Try task' }).click();
  await expect(section(page, 'Try a task').getByRole('status')).toContainText('Run immediately');
  await page.waitForTimeout(10_500);
  await page.getByRole('button', { name: 'Save rules' }).click();
  await prove(page);
  await expect(page.getByText('takes effect when another admin')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Rules' })).toContainText('Require approval');

  const other = await noor.open(browser);
  await other.goto('/rules');
  await other.getByRole('link', { name: 'Show changes' }).click();
  await expect(other.locator('.diff .added')).toContainText('Run immediately');
  await other.getByRole('button', { name: 'Confirm change' }).click();
  await prove(other);
  await expect(other.getByText('Confirmed. The change has taken effect.')).toBeVisible();
  await other.goto('/rules');
  await expect(other.getByRole('region', { name: 'Rules' })).not.toContainText('Require approval');

  await page.goto('/rules');
  await page.getByRole('link', { name: 'Version history' }).click();
  await expect(page.getByRole('row', { name: /Version 2.*Ada.*In force/ })).toBeVisible();
  await page.getByRole('link', { name: 'Version 1' }).click();
  await page.getByRole('link', { name: 'Restore version' }).click();
  await expect(page.getByText('at least as strict for every task')).toBeVisible();
  await page.getByRole('button', { name: 'Save rules' }).click();
  await expect(page.getByRole('heading', { name: /^(Confirm your identity|Rules)$/ })).toBeVisible();
  if (page.url().includes('/rules/review')) await prove(page);
  await expect(page).toHaveURL('/rules');
  await expect(page.getByRole('region', { name: 'Rules' })).toContainText('Require approval');
  await expect(page.getByText('Version 3 by Ada')).toBeVisible();
  await page.context().close();
  await other.context().close();
  await castellan.stop();
  await castellan.removeFolder();
});
