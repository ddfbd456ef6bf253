// Accessibility of every page in both themes at three widths: axe rules, reading order, horizontal scrolling and browser errors.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { type Castellan } from '../castellan';
import { code } from '../authenticator';
import { OUTSIDE, PAGES } from '../pages';
import { disorder } from '../reading-order';
import { setUp } from '../users';
import { type SampleData, createSampleData } from '../sample-data';
import { expect, test as base } from '../test';

const WIDTHS = [1440, 768, 320];
const THEMES = ['light', 'dark'] as const;
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

const test = base.extend<object, { data: SampleData }>({
  data: [async ({ ada }, use) => use(await createSampleData(ada, 'Payments')), { scope: 'worker', timeout: 60_000 }],
});

// Each page is checked six times, which is slow on a busy machine.
test.describe.configure({ mode: 'parallel', timeout: 180_000 });

test('every page route is covered', async ({ castellan }) => {
  const { stdout } = await promisify(execFile)(...castellan.command('dev', 'routes', '--json'));
  const routes: { kind: string; path: string }[] = JSON.parse(String(stdout));
  const pages = routes.filter((route) => route.kind === 'page').map((route) => route.path);
  expect(pages.toSorted()).toEqual([...Object.keys(PAGES), ...OUTSIDE].toSorted());
});

for (const [route, of] of Object.entries(PAGES)) {
  test(`${route} is accessible`, async ({ data, browser }) => {
    const [person, path] = of(data);
    const page = await person.open(browser);
    expect((await page.goto(path))!.status()).toBe(200);
    await checkPage(page);
  });
}

for (const [name, of] of Object.entries<(data: SampleData) => string>({
  'a failed task': ({ failed }) => failed,
  'a waiting task': ({ waiting }) => waiting,
  'the empty search page': () => '/search',
  'a search without matches': () => '/search?q=no-such-thing',
  'an empty list': () => '/tasks?text=no-such-task',
  'a missing page': () => '/no/such/page',
})) {
  test(`${name} is accessible`, async ({ data, browser }) => {
    const page = await data.mei.open(browser);
    await page.goto(of(data));
    await checkPage(page);
  });
}

test('the error page for oversized requests is accessible', async ({ data, browser }) => {
  const page = await data.mei.open(browser);
  await page.goto('/tasks/new');
  await page.getByLabel('Script').evaluate((field: HTMLTextAreaElement) => (field.value = 'x'.repeat(2_000_000)));
  const answer = page.waitForResponse((response) => response.request().method() === 'POST');
  await page.getByRole('button', { name: 'Submit task' }).click();
  expect((await answer).status()).toBe(413);
  await expect(page.getByRole('heading', { name: 'too large' })).toBeVisible();
  await checkPage(page);
});

test('refused forms, open menus and shown secrets are accessible', async ({ data, browser }) => {
  const page = await data.ada.open(browser);
  await page.goto('/tasks/new');
  await page.getByLabel('Timeout (seconds)').fill('0');
  await page.getByRole('button', { name: 'Submit task' }).click();
  await expect(page.getByRole('alert')).toBeVisible();
  await checkPage(page);

  await page.goto('/browser-sessions');
  await page.getByText('End…').first().click();
  await page.locator('.person > summary').click();
  await checkPage(page);
  await page.setViewportSize({ width: 320, height: 700 });
  await page.goto('/');
  await page.locator('.nav-narrow > summary').click();
  await checkPage(page, [320]);

  await page.keyboard.press('Escape');
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto('/tasks');
  await expect(async () => {
    await page.keyboard.press('?');
    await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible({ timeout: 5_000 });
  }, 'the page is hydrated').toPass();
  await checkPage(page);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Search everything' }).fill('backup');
  await expect(page.getByRole('option')).not.toHaveCount(0);
  await checkPage(page);

  await page.goto('/runners/new');
  await page.getByLabel('Name').fill('build-1');
  await page.getByRole('button', { name: 'Create enrollment token' }).click();
  await expect(page.locator('.secret')).toBeVisible();
  await checkPage(page);
});

test('a long provider name does not widen the page', async ({ fresh, browser }) => {
  const ada = await setUp(fresh);
  const long = { kind: 'oidc', label: 'Identity of the Federated Harbor Company', issuer: 'https://id.example.org', client_id: 'castellan' };
  await ada.act('providers/save', { ...long, label: long.label.slice(0, 40), client_secret: 'a-secret-of-two' });
  const page = await ada.open(browser);
  for (const path of ['/account/sign-in', '/prove']) {
    await page.goto(path);
    await checkPage(page);
  }
  await page.context().clearCookies();
  await page.goto('/sign-in');
  await checkPage(page);
});

test('the pages for signed-out visitors are accessible', async ({ data, fresh, browser }) => {
  const outside = async (castellan: Castellan) => (await browser.newContext({ baseURL: castellan.origin })).newPage();
  const page = await outside(data.ada.castellan);
  for (const path of ['/sign-in', '/forgot']) {
    await page.goto(path);
    await checkPage(page);
  }
  const fields = { name: 'Noor', email: 'noor@example.org', tenant_role: 'person' };
  await page.goto((await data.ada.act('people/create', fields)).secret!);
  await checkPage(page);
  const first = await outside(fresh);
  await first.goto(fresh.setupLink!);
  await checkPage(first);
});

test('the second-factor pages are accessible', async ({ guarded, browser }) => {
  const page = await (await setUp(guarded, true)).open(browser);
  await page.goto('/second-factor');
  await expect(page.getByRole('button', { name: 'Add passkey' }), 'the page is hydrated').toBeVisible();
  await checkPage(page);
  await page.getByRole('button', { name: 'Set up authenticator app' }).click();
  await checkPage(page);
  await page.getByLabel('Code', { exact: true }).fill(code(await page.locator('.secret-value code').innerText()));
  await page.getByRole('button', { name: 'Confirm code' }).click();
  await checkPage(page);
  await page.goto('/keys');
  await expect(page.getByRole('heading', { name: 'Recent account activity' })).toBeVisible();
  await checkPage(page);
  await page.goto('/account');
  await checkPage(page);
});

async function violations(page: Page) {
  const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
  return violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map((node) => node.html.slice(0, 300)) }));
}

async function checkPage(page: Page, widths = WIDTHS): Promise<void> {
  for (const width of widths) {
    await page.setViewportSize({ width, height: 900 });
    for (const colorScheme of THEMES) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      let found = await violations(page);
      // The page may have been updated during the check, so findings are confirmed by a second one.
      if (found.length > 0) found = await violations(page);
      expect.soft(found, `${page.url()}, ${colorScheme}, ${width} px`).toEqual([]);
    }
    const trail = await page.locator('.trail a').evaluateAll((links) => links.map((link) => link.getAttribute('href')));
    expect.soft(trail, `${page.url()}: the breadcrumb has no duplicates`).toEqual([...new Set(trail)]);
    expect.soft(await disorder(page), `${page.url()} at ${width} px: on screen as in the document, the heading first`).toEqual([]);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    expect.soft(wide, `${page.url()} at ${width} px scrolls sideways`).toBeLessThanOrEqual(width);
  }
}
