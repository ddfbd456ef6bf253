// Live updates: event streams of several windows, lines that are not complete yet, and forms that are submitted twice.
import type { Page } from '@playwright/test';
import { output, state } from '../page-helpers.ts';
import { PASSWORD } from '../users.ts';
import { expect, test } from '../test.ts';

const ENDLESS = 'echo started; sleep 600';

test('BC-10 many windows leave connections for pages and forms', async ({ team, browser }) => {
  test.setTimeout(120_000);
  const mei = await team.add('Mei', 'member');
  const first = await mei.open(browser);
  const pages = [first];
  for (let n = 0; n < 3; n++) pages.push(await first.context().newPage());
  const said = (page: Page) => page.locator('#log-said');
  const tasks = [];
  // Not all of them run at once; a task that waits has the same streams.
  for (const [n, page] of pages.entries()) {
    tasks.push(await mei.submit({ script: ENDLESS, title: `Window ${n}`, organization: team.id }));
    await page.goto(tasks[n]);
    await expect(said(page), 'the window in use has its streams').toHaveText('Live');
  }
  // The last window is where a task is canceled before it ran, so that there is no output.
  const texts = () => Promise.all(pages.slice(0, 3).map((page) => said(page).textContent()));
  await expect.poll(texts, 'another window says that it has none').toContain('Paused');

  const list = await first.context().newPage();
  await list.goto('/tasks', { timeout: 5_000 });
  await expect(list.getByRole('link', { name: 'Window 3' })).toBeVisible();
  await pages[3].getByText('Cancel task…').click();
  await pages[3].getByRole('button', { name: 'Cancel task' }).click({ timeout: 5_000 });
  await expect(state(pages[3])).toHaveText('Cancelled');

  const quiet = (await texts()).indexOf('Paused');
  if (quiet >= 0) await pages[quiet].evaluate(() => window.dispatchEvent(new Event('focus')));
  if (quiet >= 0) await expect(said(pages[quiet]), 'a window that is used takes its streams back').toHaveText('Live');

  for (const task of tasks.slice(0, 3)) await mei.act('tasks/cancel', { id: task.split('/').at(-1)! });
  for (const page of pages) {
    // All windows see the end, since those in the background take turns.
    await expect(state(page)).toHaveText('Cancelled', { timeout: 30_000 });
  }
});

test('BC-04 an incomplete line is shown while the task waits, also without JavaScript', async ({ team, browser }) => {
  const mei = await team.add('Mei', 'member');
  const script = "echo begin; printf 'Connecting to db ... '; sleep 8; echo ok";
  const task = await mei.submit({ script, title: 'Waits', organization: team.id });
  const page = await mei.open(browser);
  await page.goto(task);
  const incomplete = page.locator('#log-incomplete .log-text');
  await expect(incomplete).toHaveText(['Connecting to db ... '], { timeout: 4_000 });
  await expect(output(page)).toHaveText(['begin']);
  const plain = await mei.open(browser, { javaScriptEnabled: false });
  await plain.goto(task);
  await expect(plain.locator('#log-incomplete .log-text')).toHaveText(['Connecting to db ... ']);
  await expect(output(page)).toHaveText(['begin', 'Connecting to db ... ok']);
  await expect(incomplete).toHaveCount(0);
});

test('BC-05 a long line is one line in the download, and its parts are marked on the page', async ({ team, browser }) => {
  const mei = await team.add('Mei', 'member');
  const script = `head -c 40000 /dev/zero | tr '\\0' x; echo; echo next`;
  const task = await mei.submit({ script, title: 'Long line', organization: team.id });
  const page = await mei.open(browser);
  await page.goto(task);
  await expect(page.locator('#log-lines .log-line')).toHaveCount(4);
  await expect(page.locator('#log-lines .log-continued')).toHaveCount(2);
  const log = await (await mei.requests.get(`${task}/log`)).text();
  expect(log).toBe(`${'x'.repeat(40_000)}\nnext\n`);
});

test('BC-11 the end of the output is announced with the exit status', async ({ team, browser }) => {
  const mei = await team.add('Mei', 'member');
  const page = await mei.open(browser);
  await page.goto(await mei.submit({ script: 'sleep 2; exit 3', title: 'Fails', organization: team.id }));
  const said = page.getByRole('status').filter({ hasText: 'Output complete' });
  await expect(said).toHaveText('Output complete. Ended with exit status 3');
});

test('BC-34 a form that is submitted twice is processed once', async ({ team, browser }) => {
  const anna = `anna-${Date.now()}@example.org`;
  const { secret } = await team.admin.act('people/create', { name: 'Anna', email: anna, tenant_role: 'person' });
  const context = await browser.newContext({ baseURL: team.admin.castellan.origin });
  const page = await context.newPage();
  await page.goto(secret!);
  await page.getByLabel('New password', { exact: true }).fill(PASSWORD);
  await page.evaluate(() => {
    const form = document.querySelector<HTMLFormElement>('main form')!;
    form.requestSubmit();
    // Before, while and after the first response arrives.
    for (const milliseconds of [5, 30, 60]) setTimeout(() => form.requestSubmit(), milliseconds);
  });
  await expect(page.locator('.person')).toBeVisible();
  await expect(page.getByText('was used')).toHaveCount(0);
});
