// First start (D-02): the one-time setup link creates the first admin.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PASSWORD } from '../users';
import { expect, test } from '../test';

test('D-02 the setup link creates the admin once', async ({ fresh, browser }) => {
  const file = join(fresh.folder, 'data', 'setup-link');
  expect((await readFile(file, 'utf8')).trim()).toBe(fresh.setupLink);
  expect((await stat(file)).mode & 0o777).toBe(0o600);

  const context = await browser.newContext({ baseURL: fresh.origin });
  const page = await context.newPage();
  await page.goto(fresh.setupLink!);
  await expect(page).toHaveTitle('Set up Castellan · Castellan');
  await page.getByLabel('Tenant').fill('Foundry');
  await page.getByLabel('First organization').fill('Operations');
  await page.getByLabel('Your name').fill('Ada');
  await page.getByLabel('Email address', { exact: true }).fill('ada@example.org');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Set up and sign in' }).click();

  await expect(page).toHaveURL(new URL("/", fresh.setupLink!).href);
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
  await expect(page.locator('.person-name')).toHaveText('Ada');
  await expect(page.getByRole('button', { name: 'Run first task' })).toBeVisible();

  // The link is used up: on the page, in the file and for a direct request.
  const stranger = await (await browser.newContext({ baseURL: fresh.origin })).newPage();
  const answer = await stranger.goto(fresh.setupLink!);
  expect(answer!.ok()).toBe(false);
  await expect(stranger.getByRole('button', { name: 'Set up and sign in' })).toHaveCount(0);
  await expect(readFile(file)).rejects.toThrow('ENOENT');
  const again = await stranger.request.post('/actions/setup/set-up', {
    headers: { Origin: fresh.origin, Accept: 'application/json' },
    form: {
      token: new URL(fresh.setupLink!).searchParams.get('token')!,
      tenant: 'Other',
      organization: 'Other',
      name: 'Eve',
      email: 'eve@example.org',
      password: PASSWORD,
    },
  });
  expect(again.status()).toBeGreaterThanOrEqual(400);
  await stranger.goto('/');
  await expect(stranger).toHaveURL(/\/sign-in/);
});

test('D-02 a weak password is refused with a reason, and the input is kept', async ({ fresh, browser }) => {
  const page = await (await browser.newContext({ baseURL: fresh.origin })).newPage();
  await page.goto(fresh.setupLink!);
  await page.getByLabel('Tenant').fill('Foundry');
  await page.getByLabel('First organization').fill('Operations');
  await page.getByLabel('Your name').fill('Ada "the first" <b>');
  await page.getByLabel('Email address', { exact: true }).fill('ada@example.org');
  for (const bad of ['short', 'password1234', 'aaaaaaaaaaaaaaaa', 'ada@example.org', 'x'.repeat(129)]) {
    const password = page.getByLabel('Password', { exact: true });
    await password.fill(bad);
    const answered = page.waitForResponse((answer) => answer.request().method() === 'POST');
    await page.getByRole('button', { name: 'Set up and sign in' }).click();
    expect((await answered).status(), bad).toBe(422);
    await expect(password).toHaveAttribute('aria-invalid', 'true');
    await expect(password).toHaveValue('');
    await expect(page.getByLabel('Tenant')).toHaveValue('Foundry');
    await expect(page.getByLabel('Your name')).toHaveValue('Ada "the first" <b>');
    expect(page.url(), 'the password is not in the URL').not.toContain(bad);
    await page.getByRole('alert').getByRole('link', { name: /^Password/ }).click();
    await expect(password).toBeFocused();
  }
  // The refused attempts did not use up the link.
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Set up and sign in' }).click();
  await expect(page).toHaveURL(new URL("/", fresh.setupLink!).href);
});

test('D-02 the setup page requires a valid link', async ({ fresh, browser }) => {
  const page = await (await browser.newContext({ baseURL: fresh.origin })).newPage();
  for (const path of ['/setup', '/setup?token=', '/setup?token=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA']) {
    const answer = await page.goto(path);
    expect(answer!.status(), path).toBeGreaterThanOrEqual(400);
    await expect(page.getByRole('textbox')).toHaveCount(0);
  }
});
