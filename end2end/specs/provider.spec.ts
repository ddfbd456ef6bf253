// Identity providers: setup, connection test, sign-in and linking with a certified provider.
import type { Browser, Page } from '@playwright/test';
import { CLIENT, Idp } from '../idp';
import { PASSWORD, setUp } from '../users';
import { expect, test as base } from '../test';

const test = base.extend<{ idp: Idp }>({
  idp: async ({}, use) => {
    const idp = await Idp.listen();
    await use(idp);
    await idp.close();
  },
});

for (const javaScriptEnabled of [true, false]) {
  test(`a provider is configured, tested, used for sign-in and linked, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async ({
    fresh,
    idp,
    browser,
  }) => {
    const ada = await setUp(fresh);
    const page = await ada.open(browser, { javaScriptEnabled });
    await page.goto('/settings/authentication/new');
    await page.getByLabel('Name', { exact: true }).fill('Company ID');
    await page.getByLabel('Issuer').fill(idp.issuer);
    await page.getByLabel('Client ID').fill(CLIENT.client_id);
    await page.getByLabel('Client secret', { exact: true }).fill(CLIENT.client_secret);
    await page.getByLabel('New accounts').selectOption('domains');
    await page.getByLabel('Allowed domains').fill('example.org');
    await page.getByRole('button', { name: 'Create provider' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Company ID' })).toBeVisible();
    await expect(page.getByLabel('Client secret', { exact: true })).toHaveValue('');
    const redirect = await page.getByText('/sign-in/from/').innerText();

    idp.serve(redirect);
    await page.getByRole('button', { name: 'Test provider' }).click();
    await expect(page.locator('.findings')).toContainText(`Issuer: ${idp.issuer}`);

    // A new person gets an account by their verified address.
    const nia = await outside(browser, fresh.origin, javaScriptEnabled);
    await nia.goto('/sign-in?next=/account/sign-in');
    await nia.getByRole('link', { name: 'Sign in with Company ID' }).click();
    await consent(nia, 'nia');
    await expect(nia).toHaveURL('/account/sign-in');
    await expect(nia.getByRole('row', { name: /Company ID/ })).toContainText('nia@example.org');
    await nia.getByText('Unlink…').click();
    await nia.getByRole('button', { name: 'Unlink' }).click();
    await expect(nia.getByRole('alert')).toContainText('your only sign-in method');

    // An existing account is not linked by its address alone, and the page explains what to do.
    const other = await outside(browser, fresh.origin, javaScriptEnabled);
    await other.goto('/sign-in');
    await other.getByRole('link', { name: 'Sign in with Company ID' }).click();
    await consent(other, 'ada');
    await expect(other.getByRole('alert')).toContainText('not linked by address alone');
    await other.getByLabel('Email address', { exact: true }).fill(ada.email);
    await other.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await other.getByRole('button', { name: 'Sign in', exact: true }).click();
    await expect(other).toHaveURL('/');
    await other.goto('/account/sign-in');
    await other.getByRole('link', { name: 'Link Company ID' }).click();
    await login(other, 'ada'); // consent is remembered in this browser
    await expect(other.getByRole('row', { name: /Company ID/ })).toContainText('ada@example.org');

    const again = await outside(browser, fresh.origin, javaScriptEnabled);
    await again.goto('/sign-in');
    await again.getByRole('link', { name: 'Sign in with Company ID' }).click();
    await consent(again, 'ada');
    await expect(again).toHaveURL('/');
    await again.goto('/settings/authentication');
    await expect(again.getByRole('row', { name: /Company ID/ })).toContainText('Active');
  });
}

async function outside(browser: Browser, baseURL: string, javaScriptEnabled: boolean): Promise<Page> {
  const context = await browser.newContext({ baseURL, javaScriptEnabled });
  // The pages of the provider load a font from the internet.
  await context.route((url) => url.hostname !== '127.0.0.1', (route) => route.fulfill({ body: '' }));
  return context.newPage();
}

/** Signs in at the provider and grants consent. */
async function consent(page: Page, name: string): Promise<void> {
  await login(page, name);
  await page.getByRole('button', { name: 'Continue' }).click();
}

async function login(page: Page, name: string): Promise<void> {
  await page.getByPlaceholder('Enter any login').fill(name);
  await page.getByPlaceholder('and password').fill('whatever');
  await page.getByRole('button', { name: 'Sign-in' }).click();
}
