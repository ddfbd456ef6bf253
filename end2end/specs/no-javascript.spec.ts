// Operation without JavaScript: the main flow, starting at the setup link, with plain pages and forms.
import { type Page } from '@playwright/test';
import { PASSWORD } from '../users';
import { output, section, signIn, state, submitTask } from '../page-helpers';
import { expect, test } from '../test';

test('from the first start to the verified receipt without JavaScript', async ({ fresh, browser }) => {
  test.setTimeout(120_000);
  const openPage = async () =>
    (await browser.newContext({ baseURL: fresh.origin, javaScriptEnabled: false })).newPage();
  const [ada, mei] = [await openPage(), await openPage()];

  await test.step('Ada sets up', async () => {
    await ada.goto(fresh.setupLink!.replace('localhost', '127.0.0.1'));
    await ada.getByLabel('Tenant').fill('Foundry');
    await ada.getByLabel('First organization').fill('Operations');
    await ada.getByLabel('Your name').fill('Ada');
    await ada.getByLabel('Email address', { exact: true }).fill('ada@example.org');
    await ada.getByLabel('Password', { exact: true }).fill('too short');
    await ada.getByRole('button', { name: 'Set up and sign in' }).click();
    await ada.getByRole('alert').getByRole('link', { name: /^Password/ }).click();
    await expect(ada.getByLabel('Tenant')).toHaveValue('Foundry');
    await ada.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await ada.getByRole('button', { name: 'Set up and sign in' }).click();
    await expect(ada).toHaveURL('/');
  });

  await test.step('Ada runs the suggested first task', async () => {
    await ada.getByRole('button', { name: 'Run first task' }).click();
    await reloaded(ada, () => expect(state(ada)).toHaveText('Succeeded', { timeout: 1_000 }));
    await expect(output(ada).first()).toHaveText('Hello from an isolated sandbox.');
    await expect(section(ada, 'Receipt')).toContainText('Signature verified');
  });

  await test.step('Ada creates Mei, who sets her password', async () => {
    await ada.goto('/people/new');
    await ada.getByLabel('Name').fill('Mei');
    await ada.getByLabel('Email address', { exact: true }).fill('mei@example.org');
    await ada.getByLabel('Organization', { exact: true }).selectOption({ label: 'Operations' });
    await ada.getByRole('button', { name: 'Create person and link' }).click();
    const link = await ada.locator('.secret-value code').innerText();
    await mei.goto(link);
    await mei.getByLabel('New password').fill(PASSWORD);
    await mei.getByRole('button', { name: 'Set password and sign in' }).click();
    await expect(mei).toHaveURL('/');
  });

  await test.step('Mei requests approval, Ada approves, Mei reads the output', async () => {
    await submitTask(mei, { title: 'Ask first', script: 'echo allowed', network: 'Unrestricted' });
    await expect(state(mei)).toHaveText('Awaiting approval');
    await ada.goto('/');
    await ada.getByRole('link', { name: 'Ask first' }).click();
    await ada.getByRole('button', { name: 'Deny request' }).click();
    await expect(ada.getByRole('alert'), 'a denial requires a reason').toBeVisible();
    await ada.getByLabel('Reason').fill('Approved.');
    await ada.getByRole('button', { name: 'Approve request' }).click();
    await expect(ada.locator('.settled-text', { hasText: 'Approved.' })).toBeVisible();
    await reloaded(mei, () => expect(state(mei)).toHaveText('Succeeded', { timeout: 1_000 }));
    await expect(output(mei)).toHaveText(['allowed']);
  });

  await test.step('Mei cancels a long task', async () => {
    await submitTask(mei, { title: 'Endless', script: 'echo started; sleep 600' });
    await mei.getByRole('link', { name: 'Reload output' }).click();
    await reloaded(mei, () => expect(output(mei)).toHaveText(['started'], { timeout: 1_000 }));
    await mei.getByText('Cancel task…').click();
    await mei.getByRole('button', { name: 'Cancel task' }).click();
    await reloaded(mei, () => expect(state(mei)).toHaveText('Cancelled', { timeout: 1_000 }));
  });

  await test.step('Mei creates an API key, filters the list and signs out', async () => {
    await mei.goto('/keys/new');
    await mei.getByLabel('Name').fill('Laptop');
    await mei.getByLabel('View tasks, their output and receipts').check();
    await mei.getByRole('button', { name: 'Create API key' }).click();
    await expect(mei.locator('.secret-value code')).toHaveText(/^mk_/);
    await mei.goto('/tasks');
    await mei.getByRole('link', { name: /^Cancelled/ }).click();
    await expect(mei.getByRole('region', { name: 'Tasks' }).locator('tbody th')).toHaveText(['Endless']);
    await mei.locator('.person > summary').click();
    await mei.getByRole('button', { name: 'Sign out' }).click();
    await expect(mei).toHaveURL(/\/sign-in/);
    await signIn(mei, 'mei@example.org', PASSWORD);
    await expect(mei).toHaveURL('/');
  });
});

test('controls that require JavaScript are hidden without it', async ({ team, browser }) => {
  const mei = await team.add('Mei', 'member');
  const page = await mei.open(browser, { javaScriptEnabled: false });
  const task = await mei.submit({ script: 'sleep 5', title: 'Any', organization: team.id });
  for (const path of ['/', '/tasks', task, '/browser-sessions']) {
    await page.goto(path);
    const forms = 'form button, form input, summary';
    const other = page.locator(`button:visible:not(${forms})`);
    await expect(other, path).toHaveCount(0);
  }
  await page.goto('/tasks');
  await expect(page.getByRole('link', { name: 'Reload page' })).toBeVisible();
});

/** Reloads until the check passes. */
async function reloaded(page: Page, check: () => Promise<void>): Promise<void> {
  await expect(async () => {
    await page.reload();
    await check();
  }).toPass({ timeout: 30_000 });
}
