// Sign-in, sign-out and browser sessions.
import type { Page } from '@playwright/test';
import { PASSWORD, type Person, setUp } from '../users';
import { signIn, source } from '../page-helpers';
import { expect, test } from '../test';

const answered = (page: Page) => page.waitForResponse((answer) => answer.request().method() === 'POST');

test('sign-in redirects to the requested page and sets an HttpOnly cookie', async ({ ada, browser }) => {
  const context = await browser.newContext({ baseURL: ada.castellan.origin });
  const page = await context.newPage();
  await page.goto('/audit?outcome=refused');
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  await signIn(page, ada.email, PASSWORD);
  await expect(page).toHaveURL('/audit?outcome=refused');

  // The session cookie and the device cookie, which grants no access.
  const [cookie, device, ...others] = (await context.cookies()).toSorted((a, b) => a.name.localeCompare(b.name));
  expect(others).toEqual([]);
  expect(device).toMatchObject({ name: 'castellan-device', httpOnly: true, sameSite: 'Lax', path: '/' });
  expect(cookie).toMatchObject({ name: 'castellan', httpOnly: true, sameSite: 'Lax', path: '/', domain: '127.0.0.1' });
  expect(await page.evaluate(() => document.cookie)).toBe('');

  await page.goto('/sign-in?next=//evil.example/');
  await expect(page).toHaveURL('/');
});

test('an unknown address and a wrong password get the same response', async ({ fresh, browser }) => {
  const ada = await setUp(fresh);
  const page = await (await browser.newContext({ baseURL: fresh.origin })).newPage();
  const said: string[] = [];
  for (const [email, password] of [[ada.email, 'not the password of ada'], ['nobody@example.org', PASSWORD]]) {
    await page.goto('/sign-in');
    const answer = answered(page);
    await signIn(page, email, password);
    said.push(`${(await answer).status()} ${await page.getByRole('alert').innerText()}`);
    await expect(page.getByLabel('Email address', { exact: true })).toHaveValue(email);
    await expect(page.getByLabel('Password', { exact: true })).toHaveValue('');
  }
  expect(said[0]).toBe(said[1]);
  await signIn(page, ada.email, PASSWORD);
  await expect(page).toHaveURL('/');
});

test('repeated failures are throttled with a message', async ({ fresh, browser }) => {
  const ada = await setUp(fresh);
  const page = await (await browser.newContext({ baseURL: fresh.origin })).newPage();
  await page.goto('/sign-in');
  const statuses: number[] = [];
  // The delay doubles with each failure after the fifth, so even on a slow machine one attempt is too early.
  while (statuses.length < 12 && !statuses.includes(429)) {
    const answer = answered(page);
    await signIn(page, ada.email, `wrong password number ${statuses.length}`);
    statuses.push((await answer).status());
  }
  expect(statuses.slice(0, 5)).not.toContain(429);
  expect(statuses.at(-1)).toBe(429);
  await expect(page.getByRole('alert')).toContainText(/try again/i);
});

test('after sign-out the back button shows no private data', async ({ team, browser }) => {
  const mei = await team.add('Mei', 'member');
  const page = await mei.open(browser);
  const shown = await page.goto('/tasks');
  expect(shown!.headers()['cache-control']).toContain('no-store');
  await page.goto('/keys');
  await page.locator('.person > summary').click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/sign-in/);
  expect((await page.context().cookies()).map((cookie) => cookie.name)).toEqual(['castellan-device']);

  await page.goBack();
  await expect(page).toHaveURL(/\/sign-in/);
  await expect(page.getByText('Mei')).toHaveCount(0);
  // The server ended the session too: the old cookie is refused.
  expect((await mei.requests.get('/keys', { maxRedirects: 0 })).status()).toBe(303);
});

for (const javaScriptEnabled of [true, false]) {
  test(`input is kept when the session has ended, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async ({ team, browser }) => {
    const mei = await team.add('Mei', 'member');
    const page = await mei.open(browser, { javaScriptEnabled });
    await page.goto('/tasks/new');
    await page.getByLabel('Script').fill('echo first\necho second');
    await page.getByLabel('Title').fill('Precious work');
    await page.getByLabel('Labels').fill('service=orders');
    await page.context().clearCookies();
    await page.getByRole('button', { name: 'Submit task' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Your session has ended' })).toBeVisible();
    await page.getByRole('button', { name: 'Submit again' }).click();
    await expect(page.getByRole('alert'), 'too early').toHaveText('Sign in to continue.');

    const opened = page.waitForEvent('popup');
    await page.getByRole('link', { name: 'Sign in in a new tab' }).click();
    const other = await opened;
    await signIn(other, mei.email, PASSWORD);
    await expect(other).toHaveURL('/');
    await page.getByRole('button', { name: 'Submit again' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Precious work' })).toBeVisible();
    expect(await source(page, 'Script')).toBe('echo first\necho second');
  });
}

test('browser sessions are listed and can be ended one by one or all at once', async ({ team, browser, castellan }) => {
  const mei = await team.add('Mei', 'member');
  const here = await mei.open(browser);
  const others: Page[] = [];
  for (let n = 0; n < 3; n++) {
    const page = await (await browser.newContext({ baseURL: castellan.origin })).newPage();
    await page.goto('/sign-in');
    await signIn(page, mei.email, PASSWORD);
    await expect(page).toHaveURL('/');
    others.push(page);
  }
  await here.goto('/browser-sessions');
  const rows = here.getByRole('region', { name: 'Browser sessions' }).locator('tbody tr');
  await expect(rows).toHaveCount(4);
  await expect(rows.filter({ hasText: 'This session' })).toHaveCount(1);
  await expect(rows.filter({ hasText: '127.0.0.1' })).toHaveCount(4);

  const one = rows.filter({ hasNotText: 'This session' }).first();
  await one.getByText('End…').click();
  await expect(one.getByText('The browser is signed out immediately.')).toBeVisible();
  await one.getByRole('button', { name: 'End session' }).click();
  await expect(rows).toHaveCount(3);
  expect(await signedIn(others)).toBe(2);

  await here.getByText('End all other sessions…').click();
  await here.getByRole('button', { name: 'End all other sessions' }).click();
  await expect(rows).toHaveCount(1);
  expect(await signedIn(others)).toBe(0);
  await here.goto('/');
  await expect(here).toHaveURL('/');
});

async function signedIn(pages: Page[]): Promise<number> {
  const places = await Promise.all(
    pages.map(async (page) => {
      await page.goto('/keys');
      return new URL(page.url()).pathname;
    }),
  );
  return places.filter((path) => path === '/keys').length;
}
