// Islands: one interaction test for each component that runs in the browser.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BrowserContext, Page } from '@playwright/test';
import { output, withoutReload } from '../page-helpers';
import { setUp, type Team } from '../users';
import { expect, test } from '../test';

const SOURCE = join(import.meta.dirname, '..', '..', 'crates', 'islands', 'src');

/** Islands with a test here; passkeys have their own spec. The first test fails for an island that is not listed. */
const CLICKED = [
  'ThemeSwitch', 'Copy', 'ShowPassword', 'Watch', 'LogViewer', 'Palette', 'KeySwitch', 'PasskeyButton', 'UnsavedEdits', 'WaitingCount',
];

test('every island has a test', async () => {
  const files = (await readdir(SOURCE, { recursive: true })).filter((name) => name.endsWith('.rs'));
  const texts = await Promise.all(files.map((name) => readFile(join(SOURCE, name), 'utf8')));
  const islands = texts.flatMap((text) => [...text.matchAll(/^#\[island[^\]]*\]\s*pub fn (\w+)/gm)].map((found) => found[1]));
  expect(islands.toSorted()).toEqual(CLICKED.toSorted());
});

test('ThemeSwitch: the theme is stored and applied before the first paint', async ({ team, browser }) => {
  const page = await (await team.add('Mei', 'member')).open(browser, { colorScheme: 'light' });
  await page.goto('/');
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await ground();
  await page.locator('.person > summary').click();
  await page.getByRole('button', { name: 'Dark' }).click();
  await expect(page.getByRole('button', { name: 'Dark' })).toHaveAttribute('aria-pressed', 'true');
  const dark = await ground();
  expect(dark).not.toBe(light);

  await page.goto('/tasks', { waitUntil: 'commit' });
  await page.locator('body').waitFor({ state: 'attached' });
  expect(await ground()).toBe(dark);
  await page.locator('.person > summary').click();
  await page.getByRole('button', { name: 'System' }).click();
  expect(await ground()).toBe(light);
});

test('UnsavedEdits: the browser warns before changed rules are left, and not before they are reviewed', async ({ fresh, browser }) => {
  const page = await (await setUp(fresh)).open(browser);
  const warnings: string[] = [];
  page.on('dialog', async (dialog) => {
    warnings.push(dialog.type());
    await dialog.dismiss();
  });
  await page.goto('/rules/edit');
  await page.getByRole('group', { name: 'Rule 1' }).getByLabel('Name', { exact: true }).fill('Renamed');
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Runners' }).click();
  await expect.poll(() => warnings).toEqual(['beforeunload']);
  await expect(page).toHaveURL('/rules/edit');
  await page.getByRole('button', { name: 'Review changes' }).click();
  await expect(page).toHaveURL(/\/rules\/review/);
  expect(warnings).toHaveLength(1);
});

test('WaitingCount: the title and the icon of the tab show how many requests wait', async ({ team, browser }) => {
  const [mei, omar] = [await team.add('Mei', 'member'), await team.add('Omar', 'approver')];
  const page = await omar.open(browser);
  await page.goto('/keys');
  const icon = page.locator("link[rel='icon']");
  await expect(page).toHaveTitle(/^API keys/);
  const quiet = await icon.getAttribute('href');
  await mei.submit({ script: 'true', title: 'Waits', network_policy: 'unrestricted', organization: team.id });
  await expect(page).toHaveTitle(/^\(1\) API keys/);
  await expect(icon).not.toHaveAttribute('href', quiet!);
});

test('Copy: a digest and a secret are copied in full', async ({ team, browser }) => {
  const mei = await team.add('Mei', 'member');
  const page = await mei.open(browser);
  await mayCopy(page.context());
  await page.goto('/keys/new');
  await page.getByLabel('Name').fill('Copied');
  await page.getByLabel('View tasks, their output and receipts').check();
  await page.getByRole('button', { name: 'Create API key' }).click();
  const key = await page.locator('.secret-value code').innerText();
  await page.getByRole('button', { name: 'Copy' }).click();
  await expect(page.getByRole('button', { name: 'Copied' })).toBeVisible();
  expect(await clipboard(page)).toBe(key);

  await page.goto(await mei.submit({ script: 'true', title: 'Any', organization: team.id }));
  await page.getByRole('complementary').getByRole('button', { name: 'Copy' }).click();
  await expect(page.getByRole('button', { name: 'Copied' })).toBeVisible();
  expect(await clipboard(page)).toMatch(/^[0-9a-f]{64}$/);
});

test('ShowPassword: the password can be shown and hidden', async ({ castellan, browser }) => {
  const page = await (await browser.newContext({ baseURL: castellan.origin })).newPage();
  await page.goto('/sign-in');
  const password = page.getByLabel('Password', { exact: true });
  await password.fill('seen');
  await page.getByRole('button', { name: 'Show' }).click();
  await expect(password).toHaveAttribute('type', 'text');
  await page.getByRole('button', { name: 'Hide' }).click();
  await expect(password).toHaveAttribute('type', 'password');
  await expect(password).toHaveValue('seen');
});

test('Watch: updates appear without moving the content in view', async ({ team, browser }) => {
  const mei = await team.add('Mei', 'member');
  const submit = (title: string) => mei.submit({ script: 'true', title, organization: team.id, visibility: 'org' });
  for (let n = 1; n <= 12; n++) await submit(`Earlier ${n}`);
  const page = await mei.open(browser, { viewport: { width: 1024, height: 400 } });
  await page.goto('/tasks');
  const titles = page.getByRole('region', { name: 'Tasks' }).locator('tbody th');
  await expect(titles.first()).toHaveText('Earlier 12');
  const stays = await withoutReload(page);

  await submit('One more');
  await expect(titles.first()).toHaveText('One more');

  // A hovered row keeps its position and still updates its state.
  await titles.nth(3).hover();
  const pointed = await titles.nth(3).textContent();
  await mei.submit({ script: 'sleep 1', title: 'Elsewhere', organization: team.id, visibility: 'org' });
  await expect(page.getByRole('button', { name: /newer/ })).toBeVisible();
  await expect(titles.nth(3)).toHaveText(pointed!);
  // Pressed by key: if the pointer left the row, the next task update would show the rows and remove the button.
  await page.getByRole('button', { name: /newer/ }).press('Enter');
  await expect(titles.first()).toHaveText('Elsewhere');
  await page.mouse.move(0, 0);
  await submit('One more');
  await expect(titles.first()).toHaveText('One more');

  await page.getByRole('link', { name: 'Earlier 1', exact: true }).scrollIntoViewIfNeeded();
  await page.mouse.wheel(0, 2_000);
  const place = () => page.evaluate(() => scrollY);
  await expect.poll(place).toBeGreaterThan(300);
  const before = await place();
  await submit('Unseen');
  const newer = page.getByRole('button', { name: /newer/ });
  await expect(newer).toBeVisible();
  expect(await place()).toBe(before);
  await expect(titles.first()).toHaveText('One more');
  await newer.click();
  await expect(titles.first()).toHaveText('Unseen');
  await expect(titles.first()).toBeInViewport();
  await expect(newer).toBeHidden();
  expect(await stays()).toBe(true);
});

test('Watch: a list with a selection is not updated', async ({ team, browser }) => {
  const mei = await team.add('Mei', 'member');
  const make = (name: string) => mei.act('keys/create', { name, 'scopes[]': 'tasks:read', days: '30' });
  await make('First');
  const page = await mei.open(browser);
  const live = page.waitForRequest(/\/live/);
  await page.goto('/keys');
  await live;
  const box = page.getByRole('checkbox').first();
  await box.check();
  await page.getByRole('heading', { level: 1 }).click(); // moves the focus away
  await make('Second');
  await page.waitForTimeout(2_500); // longer than the update delay of a list
  await expect(box).toBeChecked();
  await expect(page.getByRole('link', { name: 'Second' })).toHaveCount(0);
  await box.uncheck();
  await page.getByRole('heading', { level: 1 }).click();
  await expect(page.getByRole('link', { name: 'Second' })).toBeVisible();
});

test('LogViewer: output is followed until the reader scrolls up, and again on demand', async ({ team, browser }) => {
  const page = await chatty(team, browser);
  const log = page.locator('#log-lines');
  const follow = page.getByRole('button', { name: 'Follow output' });
  const below = () => log.evaluate((lines) => lines.scrollHeight - lines.scrollTop - lines.clientHeight);
  await expect(follow).toHaveAttribute('aria-pressed', 'true');
  await expect(output(page).nth(60)).toBeVisible();
  await expect.poll(below).toBeLessThan(30);

  await log.hover();
  await page.mouse.wheel(0, -400);
  await expect(follow).toHaveAttribute('aria-pressed', 'false');
  const seen = await below();
  await expect.poll(below, 'lines are added below').toBeGreaterThan(seen + 80);
  expect(await below(), 'the scroll position is kept').toBeGreaterThan(100);
  await follow.click();
  await expect.poll(below).toBeLessThan(30);
});

test('line wrapping and times are switched without an island', async ({ team, browser }) => {
  const mei = await team.add('Mei', 'member');
  const page = await mei.open(browser);
  const script = "head -c 3000 /dev/zero | tr '\\0' x; echo";
  await page.goto(await mei.submit({ script, title: 'Wide', organization: team.id }));
  const line = output(page).first();
  await expect(line).toHaveText('x'.repeat(3_000));
  const wide = await line.boundingBox();
  await page.getByLabel('Wrap lines').uncheck();
  await expect.poll(async () => (await line.boundingBox())!.width).toBeGreaterThan(wide!.width * 2);
  await expect(page.locator('.log-at').first()).toBeHidden();
  await page.getByLabel('UTC times').check();
  await expect(page.locator('.log-at').first()).toBeVisible();
  await expect(page.locator('.log-at').first()).toHaveText(/^\d\d:\d\d:\d\d$/);
});

test('relative times are updated on an open page', async ({ team, browser }) => {
  const mei = await team.add('Mei', 'member');
  await mei.submit({ script: 'true', title: 'Any', organization: team.id });
  const page = await mei.open(browser);
  await page.clock.install();
  await page.goto('/tasks');
  const submitted = page.getByRole('row', { name: 'Any' }).locator('td time').last();
  await expect(submitted).toContainText(/^(just now|\d+ seconds? ago)/);
  await page.clock.fastForward('05:10');
  await expect(submitted).toContainText(/^5 minutes ago/);
});

test('a page fetches updates only after an event', async ({ team, browser }) => {
  const mei = await team.add('Mei', 'member');
  const page = await mei.open(browser);
  let fetched = 0;
  page.on('request', (request) => {
    if (request.resourceType() === 'xhr' && new URL(request.url()).pathname === '/tasks') fetched += 1;
  });
  const streaming = page.waitForResponse((response) => new URL(response.url()).pathname === '/live');
  await page.goto('/tasks');
  await streaming;
  await page.waitForTimeout(1_500); // there is no event to wait for
  expect(fetched).toBe(0);
  await mei.submit({ script: 'true', title: 'Fresh', organization: team.id });
  await expect(page.getByRole('row', { name: 'Fresh' })).toBeVisible();
  expect(fetched).toBeGreaterThan(0);
});

/** Opens the page of a task that prints lines continuously. */
async function chatty(team: Team, browser: import('@playwright/test').Browser): Promise<Page> {
  const mei = await team.add('Mei', 'member');
  const page = await mei.open(browser, { viewport: { width: 1280, height: 500 } });
  const script = 'for n in $(seq 1 2000); do echo "line $n"; sleep 0.05; done';
  await page.goto(await mei.submit({ script, title: 'Chatty', organization: team.id }));
  return page;
}

async function mayCopy(context: BrowserContext): Promise<void> {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
}

function clipboard(page: Page): Promise<string> {
  return page.evaluate(() => navigator.clipboard.readText());
}
