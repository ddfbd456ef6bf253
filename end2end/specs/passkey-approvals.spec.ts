// Approvals that are confirmed with the approver's passkey.
import { VirtualAuthenticator } from '../authenticator';
import { expect, test } from '../test';
import { setUp, Team } from '../users';

test('X19 an approval is confirmed with a passkey, and without one where the rules allow it', async ({ fresh, browser }) => {
  // Passkeys require a host name.
  fresh.origin = fresh.origin.replace('127.0.0.1', 'localhost');
  const ada = await setUp(fresh);
  const team = await Team.of(ada, 'Platform');
  const [mei, omar] = [await team.add('Mei', 'member'), await team.add('Omar', 'approver')];
  const submit = (title: string) =>
    mei.submit({ script: 'echo it runs', title, network_policy: 'unrestricted', organization: team.id });

  await test.step('an admin requires passkeys', async () => {
    const page = await ada.open(browser);
    await page.goto('/rules/edit');
    const rule = page.getByRole('group', { name: 'Rule 2', exact: true });
    await rule.getByLabel('Approvals need a passkey').check();
    await page.getByRole('button', { name: 'Review changes' }).click();
    await page.getByRole('button', { name: 'Save rules' }).click();
    await expect(page.getByText('each with a passkey')).toBeVisible();
  });

  await submit('Restart the mail server');
  await test.step('without JavaScript the approval is refused with the reason', async () => {
    const page = await omar.open(browser, { javaScriptEnabled: false });
    await page.goto('/approvals');
    await page.getByRole('link', { name: 'Restart the mail server' }).click();
    await page.getByRole('button', { name: 'Approve request' }).click();
    await expect(page.getByText('The rules require your passkey for this approval.').first()).toBeVisible();
  });

  const page = await omar.open(browser);
  const device = await VirtualAuthenticator.at(page);
  await test.step('the approver adds a passkey', async () => {
    await page.goto('/approvals');
    await page.getByRole('link', { name: 'Restart the mail server' }).click();
    await expect(page.getByText('You need a passkey that works on this host')).toBeVisible();
    await expect(page.getByRole('button', { name: /^Approve/ })).toHaveCount(0);
    await page.getByRole('link', { name: 'Add a passkey' }).click();
    await page.getByLabel('Name', { exact: true }).fill('Laptop');
    await page.getByRole('button', { name: 'Add passkey' }).click();
    await page.getByRole('link', { name: 'I have stored them' }).click();
    await expect(page.getByRole('heading', { name: 'Passkeys on runners' })).toBeVisible();
  });

  await test.step('without user verification nothing is approved', async () => {
    await page.goto('/approvals');
    await page.getByRole('link', { name: 'Restart the mail server' }).click();
    await device.unlocked(false);
    await page.getByRole('button', { name: 'Approve request with passkey' }).click();
    await expect(page.getByText('The browser did not provide a passkey. Try again.')).toBeVisible();
    await device.unlocked(true);
  });

  await test.step('the passkey approves', async () => {
    await page.getByLabel('Reason').fill('reviewed');
    await page.getByRole('button', { name: 'Approve request with passkey' }).click();
    await expect(page.getByText('Approved.')).toBeVisible();
    await expect(page.getByText('Verified with the passkey “Laptop”.')).toBeVisible();
  });

  await test.step('the audit event states the passkey', async () => {
    const audit = await ada.open(browser);
    await audit.goto('/audit?action=approval.decide&outcome=done');
    await audit.locator('main table a[href^="/audit/"]').first().click();
    await expect(audit.getByText('Verified with the passkey “Laptop”.')).toBeVisible();
  });

  await test.step('a denial needs no passkey', async () => {
    await submit('Delete the mail server');
    await page.goto('/approvals');
    await page.getByRole('link', { name: 'Delete the mail server' }).click();
    await page.getByLabel('Reason').fill('no');
    await page.getByRole('button', { name: 'Deny request' }).click();
    await expect(page.getByText('Denied.')).toBeVisible();
    await expect(page.getByText('Recorded by the server, without a passkey.')).toBeVisible();
  });
});
