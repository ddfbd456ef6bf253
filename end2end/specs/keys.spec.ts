// API keys: shown once, limited to their scopes, and refused after revocation.
import { type APIResponse, request } from '@playwright/test';
import { expect, test } from '../test';

test('an API key is shown once, works, and is refused after revocation', async ({ team, browser, castellan }) => {
  const mei = await team.add('Mei', 'member');
  const page = await mei.open(browser);
  await page.goto('/keys');
  await page.getByRole('link', { name: 'New API key' }).click();
  await page.getByLabel('Name').fill('Build server');
  await page.getByLabel('View tasks, their output and receipts').check();
  await page.getByLabel('Submit tasks and run them again').check();
  await page.getByRole('button', { name: 'Create API key' }).click();
  const key = await page.locator('.secret-value code').innerText();
  expect(key).toMatch(/^mk_[A-Za-z0-9_-]{48}$/);
  expect(page.url()).not.toContain('mk_');
  await page.getByRole('link', { name: 'I have stored it' }).click();
  await expect(page).toHaveURL('/keys');
  expect(await page.content(), 'only the prefix is shown').not.toContain(key);
  const row = page.getByRole('row', { name: 'Build server' });
  await expect(row).toContainText(key.slice(0, 11));
  await expect(row).toContainText('Never');

  // A program sends neither cookies nor an Origin header.
  const program = await request.newContext({
    baseURL: castellan.origin,
    extraHTTPHeaders: { Authorization: `Bearer ${key}` },
  });
  const submit = () => program.post('/api/v1/tasks', { data: { script: 'echo hi', title: 'By key' } });
  const made = await submit();
  expect(made.status()).toBe(201);
  const { id, state, request_digest } = await made.json();
  expect(request_digest).toMatch(/^[0-9a-f]{64}$/);
  expect(['submitted', 'queued', 'assigned', 'running']).toContain(state);
  const list = await (await program.get('/api/v1/tasks?limit=1')).json();
  expect(list.items.map((task: { id: string }) => task.id)).toEqual([id]);
  await expect.poll(async () => (await program.get(`/api/v1/tasks/${id}/log`)).text()).toContain('hi');

  await test.step('actions outside its scopes are refused', async () => {
    await problem(await program.get('/api/v1/audit'), 403);
    await problem(await program.post(`/api/v1/tasks/${id}/cancel`), 403);
    await page.goto(`/tasks/${id}`);
    await expect(page.getByRole('complementary')).toContainText('API key');
  });

  await test.step('the revoked key is refused', async () => {
    await page.goto('/keys');
    await expect(row).not.toContainText('Never');
    await row.getByText('Revoke…').click();
    await expect(row.getByText('This cannot be undone.')).toBeVisible();
    await row.getByRole('button', { name: 'Revoke API key' }).click();
    await expect(row).toContainText('Revoked');
    await expect(row.getByText('Revoke…')).toHaveCount(0);
    await problem(await submit(), 401);
  });
});

test('an API key requires a scope', async ({ team, browser }) => {
  const page = await (await team.add('Mei', 'member')).open(browser);
  await page.goto('/keys/new');
  await page.getByLabel('Name').fill('No scope');
  await page.getByRole('button', { name: 'Create API key' }).click();
  await expect(page.getByRole('alert')).toContainText('Scopes');
  await expect(page.getByLabel('Name')).toHaveValue('No scope');
  await expect(page.locator('.secret-value')).toHaveCount(0);
});

test('only admins see the API keys of others', async ({ ada, team, browser }) => {
  const [mei, omar] = [await team.add('Mei', 'member'), await team.add('Omar', 'member')];
  const name = `Key of ${mei.email}`;
  await mei.act('keys/create', { name, 'scopes[]': 'tasks:read', days: '30' });
  const [his, hers] = [await omar.open(browser), await ada.open(browser)];
  await his.goto('/keys');
  await expect(his.getByText('No API keys yet')).toBeVisible();
  await hers.goto('/keys');
  await expect(hers.getByRole('row', { name })).toContainText('Mei');
});

async function problem(answer: APIResponse, status: number): Promise<void> {
  expect(answer.status()).toBe(status);
  expect(answer.headers()['content-type']).toContain('application/problem+json');
  expect((await answer.json()).status).toBe(status);
}
