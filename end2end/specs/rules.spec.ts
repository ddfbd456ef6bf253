// Rules: everyone can read them, admins can change them, and they apply to new tasks.
import { setUp, Team } from '../users';
import { state, submitTask } from '../page-helpers';
import { expect, test } from '../test';

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

  await page.getByRole('button', { name: 'Save rules' }).click();
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
  await page.getByRole('button', { name: 'Save rules' }).click();
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
  }
  await pages[0].getByRole('button', { name: 'Save rules' }).click();
  await expect(pages[0]).toHaveURL('/rules');
  const answer = pages[1].waitForResponse((response) => response.request().method() === 'POST');
  await pages[1].getByRole('button', { name: 'Save rules' }).click();
  expect((await answer).status()).toBe(409);
  await expect(pages[1].getByRole('alert')).toBeVisible();
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
