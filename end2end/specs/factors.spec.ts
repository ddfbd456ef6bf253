// Second factors: enrollment, authenticator apps, recovery codes, passkeys and step-up authentication.
import type { Browser, Page } from '@playwright/test';
import { code, VirtualAuthenticator } from '../authenticator';
import type { Castellan } from '../castellan';
import { PASSWORD } from '../users';
import { signIn } from '../page-helpers';
import { expect, test } from '../test';

async function openPage(castellan: Castellan, browser: Browser, javaScriptEnabled = true): Promise<Page> {
  return (await browser.newContext({ baseURL: castellan.origin, javaScriptEnabled })).newPage();
}

/** Completes the setup. Ends on the page that requires a second factor. */
async function setUp(page: Page, castellan: Castellan): Promise<void> {
  await page.goto(castellan.setupLink!);
  await page.getByLabel('Tenant').fill('Foundry');
  await page.getByLabel('First organization').fill('Operations');
  await page.getByLabel('Your name').fill('Ada');
  await page.getByLabel('Email address', { exact: true }).fill('ada@example.org');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Set up and sign in' }).click();
  await expect(page.getByRole('heading', { name: 'Two-factor authentication' })).toBeVisible();
}

/** Sets up an authenticator app and returns its secret, a used code and the recovery codes. */
async function enroll(page: Page): Promise<{ secret: string; used: string; codes: string[] }> {
  await page.getByRole('button', { name: 'Set up authenticator app' }).click();
  await expect(page.getByRole('img', { name: /QR code/ })).toBeVisible();
  const secret = await page.locator('.secret-value code').innerText();
  await page.getByLabel('Code', { exact: true }).fill('000000');
  await page.getByRole('button', { name: 'Confirm code' }).click();
  await expect(page.getByRole('alert').first()).toBeVisible();
  const used = code(secret, -1);
  await page.getByLabel('Code', { exact: true }).fill(used);
  await page.getByRole('button', { name: 'Confirm code' }).click();
  await expect(page.getByRole('heading', { name: 'Your recovery codes' })).toBeVisible();
  const codes = await page.locator('.codes code').allInnerTexts();
  await page.getByRole('link', { name: 'I have stored them' }).click();
  return { secret, used, codes };
}

test('M-14 without JavaScript an admin sets up an authenticator app and signs in with it and with a recovery code', async ({ guarded, browser }) => {
  const ada = await openPage(guarded, browser, false);
  await setUp(ada, guarded);
  await ada.goto('/people');
  await expect(ada, 'no other page is accessible').toHaveURL(/second-factor/);
  const { secret, used, codes } = await enroll(ada);
  expect(codes).toHaveLength(10);
  await expect(ada).toHaveURL('/people');

  const again = await openPage(guarded, browser, false);
  await again.goto('/rules');
  await signIn(again, 'ada@example.org', PASSWORD);
  await again.getByLabel('Code', { exact: true }).fill(used);
  await again.getByRole('button', { name: 'Continue' }).click();
  await expect(again.getByRole('alert').first(), 'the code was already used').toBeVisible();
  await again.getByLabel('Code', { exact: true }).fill(code(secret));
  await again.getByRole('button', { name: 'Continue' }).click();
  await expect(again, 'the requested page').toHaveURL('/rules');

  const lost = await openPage(guarded, browser, false);
  await lost.goto('/account');
  await signIn(lost, 'ada@example.org', PASSWORD);
  await lost.getByLabel('Code', { exact: true }).fill(codes[0]);
  await lost.getByRole('button', { name: 'Continue' }).click();
  await expect(lost.getByText('9 codes left.')).toBeVisible();
  await lost.goto('/');
  await expect(lost.getByText('A recovery code was used')).toBeVisible();
  await lost.getByRole('button', { name: 'Mark as read' }).click();
  await expect(lost.getByText('A recovery code was used')).toHaveCount(0);
});

test('M-14 without JavaScript an admin requires second factors for everyone and resets those of a member', async ({ guarded, browser }) => {
  const ada = await openPage(guarded, browser, false);
  await setUp(ada, guarded);
  await enroll(ada);
  await ada.goto('/people/new');
  await ada.getByLabel('Name').fill('Mei');
  await ada.getByLabel('Email address', { exact: true }).fill('mei@example.org');
  await ada.getByLabel('Organization', { exact: true }).selectOption({ label: 'Operations' });
  await ada.getByRole('button', { name: 'Create person and link' }).click();
  const link = await ada.locator('.secret-value code').innerText();
  const mei = await openPage(guarded, browser, false);
  await mei.goto(link.replace('127.0.0.1', 'localhost'));
  await mei.getByLabel('New password').fill(PASSWORD);
  await mei.getByRole('button', { name: 'Set password and sign in' }).click();
  await expect(mei, 'members do not need a second factor by default').toHaveURL('/');

  await ada.goto('/people');
  await ada.getByRole('link', { name: 'Second factors' }).click();
  await expect(ada.getByLabel('Second factor required for')).toHaveValue('nobody');
  await ada.getByLabel('Second factor required for').selectOption({ label: 'Everyone' });
  await ada.getByRole('button', { name: 'Save' }).click();
  await expect(ada.getByLabel('Second factor required for')).toHaveValue('everybody');
  await mei.goto('/tasks');
  await expect(mei, 'the policy applies to the next request').toHaveURL(/second-factor/);
  await enroll(mei);
  await expect(mei).toHaveURL('/tasks');

  await ada.goto('/people');
  await ada.getByRole('row', { name: 'mei@example.org' }).getByRole('link').click();
  await ada.getByText('Reset second factors…').click();
  await expect(ada.getByText('all their sessions end')).toBeVisible();
  await ada.getByRole('button', { name: 'Reset second factors' }).click();
  await mei.goto('/tasks');
  await expect(mei, 'the session ended').toHaveURL(/sign-in/);
  await signIn(mei, 'mei@example.org', PASSWORD);
  await expect(mei.getByRole('button', { name: 'Set up authenticator app' }), 'enrollment starts again').toBeVisible();
  await expect(mei.getByLabel('Code', { exact: true }), 'old factors are gone').toHaveCount(0);
  await enroll(mei);
  await expect(mei).toHaveURL('/tasks');

  await ada.goto('/settings/second-factors');
  await ada.getByLabel('Second factor required for').selectOption({ label: 'Server default only' });
  await ada.getByRole('button', { name: 'Save' }).click();
  await expect(ada.getByLabel('Second factor required for')).toHaveValue('nobody');
});

test('M-14 a passkey works as second factor and as the only factor', async ({ guarded, browser }) => {
  const ada = await openPage(guarded, browser);
  const device = await VirtualAuthenticator.at(ada);
  await setUp(ada, guarded);
  await ada.getByLabel('Name').fill('Ada’s laptop');
  await ada.getByRole('button', { name: 'Add passkey' }).click();
  await expect(ada.getByRole('heading', { name: 'Your recovery codes' })).toBeVisible();
  expect(await device.passkeys()).toBe(1);
  await ada.getByRole('link', { name: 'I have stored them' }).click();
  await expect(ada).toHaveURL('/');

  await test.step('as second factor after the password', async () => {
    await signOut(ada);
    await signIn(ada, 'ada@example.org', PASSWORD);
    await ada.getByRole('button', { name: 'Use a passkey' }).click();
    await expect(ada).toHaveURL('/');
  });

  await test.step('as the only factor', async () => {
    await signOut(ada);
    await ada.goto('/sign-in?next=/people');
    await ada.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await expect(ada).toHaveURL('/people');
  });

  await test.step('without user verification the passkey is refused', async () => {
    await signOut(ada);
    await device.unlocked(false);
    await ada.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await expect(ada.getByText('The browser did not provide a passkey')).toBeVisible();
    await device.unlocked(true);
    await ada.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await expect(ada).toHaveURL('/');
  });

  await test.step('a removed passkey is refused', async () => {
    await ada.goto('/account');
    await ada.getByRole('row', { name: 'Ada’s laptop' }).getByText('Remove…').click();
    await ada.getByRole('button', { name: 'Remove passkey' }).click();
    await expect(ada.getByRole('row', { name: 'Ada’s laptop' })).toHaveCount(0);
    await signOut(ada);
    await ada.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await expect(ada.getByText('This passkey is not registered here')).toBeVisible();
  });
});

test('BC-38 a passkey that is not created says why, and the page stays usable', async ({ guarded, browser }) => {
  const ada = await openPage(guarded, browser);
  // The time limit is half a second instead of five minutes.
  await ada.addInitScript(() => {
    const create = navigator.credentials.create.bind(navigator.credentials);
    navigator.credentials.create = (options) =>
      create({ ...options, publicKey: { ...options!.publicKey!, timeout: 500 } });
  });
  const device = await VirtualAuthenticator.at(ada);
  await setUp(ada, guarded);
  const error = ada.getByRole('alert').filter({ hasText: /./ });
  const add = () => ada.getByRole('button', { name: 'Add passkey' }).click();

  await test.step('the device could not verify its user', async () => {
    await device.unlocked(false);
    await add();
    await expect(error).toHaveText(/^The browser did not create a passkey\. .*PIN, a fingerprint/);
    await device.unlocked(true);
  });

  await test.step('the person did not touch it in time', async () => {
    await device.present(false);
    await add();
    await expect(error, 'the first message').toHaveCount(0);
    await expect(error).toHaveText(/^The browser did not create a passkey\. If you did not cancel/);
    await device.present(true);
    expect(await device.passkeys()).toBe(0);
  });

  await add();
  await expect(ada.getByRole('heading', { name: 'Your recovery codes' })).toBeVisible();
  await ada.getByRole('link', { name: 'I have stored them' }).click();

  await test.step('the device has a passkey already', async () => {
    await ada.goto('/account');
    await add();
    await expect(error).toHaveText(/^This device or security key already has a passkey for your account\./);
    expect(await device.passkeys()).toBe(1);
  });

  await test.step('another device can be added without a reload', async () => {
    await device.remove();
    const other = await VirtualAuthenticator.at(ada);
    await ada.getByLabel('Name', { exact: true }).fill('Second device');
    await add();
    await expect(ada.getByRole('row', { name: 'Second device' })).toBeVisible();
    expect(await other.passkeys()).toBe(1);
  });
});

test('M-14 a sensitive action requires step-up authentication and keeps its input', async ({ browser }) => {
  const castellan = await (await import('../castellan')).Castellan.start({ CASTELLAN_SESSIONS_STEP_UP: '5s' });
  castellan.origin = castellan.origin.replace('127.0.0.1', 'localhost');
  const ada = await openPage(castellan, browser);
  await ada.goto(castellan.setupLink!);
  await ada.getByLabel('Tenant').fill('Foundry');
  await ada.getByLabel('First organization').fill('Operations');
  await ada.getByLabel('Your name').fill('Ada');
  await ada.getByLabel('Email address', { exact: true }).fill('ada@example.org');
  await ada.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await ada.getByRole('button', { name: 'Set up and sign in' }).click();
  await expect(ada).toHaveURL('/');
  await ada.goto('/organizations/new');
  await ada.getByLabel('Organization').fill('Night shift');
  await ada.waitForTimeout(5_500);
  await ada.getByRole('button', { name: 'Create organization' }).click();
  await expect(ada.getByRole('heading', { name: 'Confirm your identity' })).toBeVisible();
  await ada.getByLabel('Password', { exact: true }).fill('not the password of ada');
  await ada.getByRole('button', { name: 'Continue' }).click();
  await expect(ada.getByRole('alert').first()).toBeVisible();
  await ada.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await ada.keyboard.press('Enter');
  await expect(ada.getByRole('heading', { name: 'Night shift' })).toBeVisible();
  await ada.context().close();
  await castellan.stop();
  await castellan.removeFolder();
});

async function signOut(page: Page): Promise<void> {
  await page.locator('.person > summary').click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/sign-in/);
}
