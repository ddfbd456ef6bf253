// Notifications: the bell, the inbox, preferences, and webhooks with a real receiver.
import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo } from 'node:net';
import { Castellan } from '../castellan';
import { expect, test } from '../test';
import { setUp } from '../users';

test('D-10 the bell and the tab show what waits, live, and the inbox marks it as read', async ({ team, browser }) => {
  const approver = await team.add('Grace', 'approver');
  const mei = await team.add('Mei', 'member');
  const page = await approver.open(browser);
  await page.goto('/tasks');
  const bell = page.locator('#bell a');
  await expect(bell.locator('.count')).toHaveCount(0);
  const icon = page.locator('link[rel=icon]');
  const quiet = await icon.getAttribute('href');

  const request = { script: 'curl https://example.org', network_policy: 'unrestricted', visibility: 'org', organization: team.id };
  await mei.submit({ ...request, title: 'Fetch prices' });
  await expect(bell.locator('.count')).toHaveText(/^1/);
  await expect(page).toHaveTitle(/^\(1\) /);
  await expect(icon).not.toHaveAttribute('href', quiet!);

  await bell.click();
  await expect(page).toHaveURL(/\/inbox$/);
  await expect(page.getByRole('listitem').filter({ hasText: 'An approval request needs a decision' })).toContainText('Fetch prices');
  await mei.submit({ ...request, title: 'Fetch rates' });
  await expect(page.getByText('2 approval requests need a decision')).toBeVisible();
  await page.getByRole('button', { name: 'Mark as read: 2 approval requests' }).first().click();
  await expect(page.getByText('Unread', { exact: true })).toHaveCount(0);
  await expect(bell.locator('.count')).toHaveCount(0);
  await page.getByRole('link', { name: 'Fetch prices' }).click();
  await expect(page).toHaveURL(/\/approvals\//);
});

test('D-10 preferences work without JavaScript', async ({ team, browser }) => {
  const approver = await team.add('Grace', 'approver');
  const mei = await team.add('Mei', 'member');
  const page = await approver.open(browser, { javaScriptEnabled: false });
  await page.goto('/account/notifications');
  await page.getByRole('group', { name: 'An approval request needs your decision' }).getByLabel('Inbox').uncheck();
  await page.getByRole('button', { name: 'Save settings' }).click();
  await expect(page.getByRole('group', { name: 'An approval request needs your decision' }).getByLabel('Inbox')).not.toBeChecked();
  await expect(page.getByRole('group', { name: 'A task ended' }).getByLabel('Inbox')).toBeChecked();
  await mei.submit({ script: 'true', title: 'Quiet', network_policy: 'unrestricted', organization: team.id });
  await page.goto('/inbox');
  await expect(page.getByText('No notifications')).toBeVisible();
});

test('D-10 a webhook is added, tested, fails, is delivered again and gets a new secret', async ({ browser }) => {
  test.setTimeout(90_000);
  const received: { headers: IncomingHttpHeaders; body: string }[] = [];
  let status = 410;
  const receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const { port } = receiver.address() as AddressInfo;
  const castellan = await Castellan.start({ CASTELLAN_OUTBOUND_ALLOW: '127.0.0.1', CASTELLAN_AUTH_SECOND_FACTOR: 'off' });
  try {
    const ada = await setUp(castellan);
    const page = await ada.open(browser);
    await page.goto('/inbox');
    await page.getByRole('link', { name: 'Webhooks' }).click();
    await page.getByRole('link', { name: 'Add webhook' }).click();
    await page.getByLabel('Name').fill('Pager');
    await page.getByLabel('Address').fill(`http://127.0.0.1:${port}/hook`);
    await page.getByRole('button', { name: 'Add webhook' }).click();
    const first = await page.locator('.secret code').innerText();
    expect(first).toMatch(/^whsec_/);
    await page.getByRole('link', { name: /stored/i }).click();
    await page.getByRole('link', { name: 'Pager' }).click();
    await expect(page.getByText(first)).toHaveCount(0);

    await page.getByRole('button', { name: 'Send test message' }).click();
    const row = page.getByRole('row').filter({ hasText: 'Test' });
    await expect(row).toContainText('HTTP status 410');
    status = 200;
    await row.getByRole('button', { name: 'Deliver again' }).click();
    await expect(row).toContainText('HTTP status 200');
    await expect(row.getByText('Delivered', { exact: true })).toBeVisible();
    const signs = ({ headers, body }: (typeof received)[number], secret: string) => {
      const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
      const text = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
      const signature = `v1,${createHmac('sha256', key).update(text).digest('base64')}`;
      return String(headers['webhook-signature']).split(' ').includes(signature);
    };
    expect(received.map((message) => signs(message, first))).toEqual([true, true]);

    await page.getByText('Rotate secret…').click();
    await page.getByRole('button', { name: 'Rotate secret' }).click();
    const second = await page.locator('.secret code').innerText();
    await page.getByRole('button', { name: 'Send test message' }).click();
    await expect.poll(() => received.length).toBe(3);
    expect([signs(received[2], first), signs(received[2], second)]).toEqual([true, true]);
    await page.context().close();
  } finally {
    await castellan.stop();
    await castellan.removeFolder();
    receiver.close();
  }
});
