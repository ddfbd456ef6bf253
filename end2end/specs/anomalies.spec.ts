// Anomalies: notification of the account owner, and review by admins.
import { expect, test } from '../test';

test('a sign-in from a new browser is reported to the account owner with a reason and advice', async ({ team, browser }) => {
  const mei = await team.add('Mei', 'member');
  const page = await mei.open(browser);
  await page.goto('/tasks');
  const news = page.getByRole('region', { name: 'Recent account activity' });
  await expect(news, 'the first sign-in is not reported').toHaveCount(0);
  await mei.signInElsewhere();
  await page.goto('/tasks');
  await expect(news).toContainText('New sign-in to your account from an unusual location');
  await news.getByRole('link', { name: 'View details' }).click();
  await expect(page).toHaveURL(/\/account#anomalies$/);
  const own = page.locator('#anomalies');
  await expect(own).toContainText('First sign-in to this account from this browser.');
  await expect(own.getByRole('link', { name: 'Change your password' })).toHaveAttribute('href', '/account/password');
  await own.getByRole('link', { name: 'End your other sessions' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Browser sessions');
});

for (const javaScriptEnabled of [true, false]) {
  test(`an admin marks an anomaly as reviewed, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async ({ ada, team, browser }) => {
    const mei = await team.add('Mei', 'member');
    await mei.signInElsewhere();
    const page = await ada.open(browser, { javaScriptEnabled });
    await page.goto('/');
    await page.getByRole('link', { name: /not reviewed/ }).click();
    const entry = page.locator('.report').first();
    await expect(entry).toContainText('New sign-in location');
    await expect(entry.getByRole('link', { name: 'Mei' })).toBeVisible();
    await expect(entry).toContainText('127.0.0.0/24');
    await expect(entry.getByRole('link', { name: 'View in the audit log' })).toBeVisible();
    await entry.getByRole('button', { name: 'Mark as reviewed' }).click();
    await page.goto('/anomalies?kind=sign_in');
    await expect(page.locator('.report').first()).toContainText('Reviewed by Ada');
  });
}

test('new anomalies appear in an open list', async ({ ada, team, browser }) => {
  const page = await ada.open(browser);
  await page.goto('/anomalies');
  const entries = page.locator('.report');
  const before = await entries.count();
  await (await team.add('Mei', 'member')).signInElsewhere();
  await expect(entries).toHaveCount(before + 1);
});

test('only admins and auditors see the list of anomalies', async ({ team, browser }) => {
  const mei = await team.add('Mei', 'member');
  const page = await mei.open(browser);
  expect((await page.goto('/anomalies'))!.status()).toBe(403);
  await expect(page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Anomalies' })).toHaveCount(0);
});
