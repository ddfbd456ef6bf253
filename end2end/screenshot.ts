// Screenshots of every page in both themes at four widths, written to target/screenshots with an index.html; a few to docs.
// Also checks for horizontal scrolling and layout shifts, which pictures do not show.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { OUTSIDE, PAGES } from './pages';
import { setUp } from './users';
import { createSampleData } from './sample-data';
import { expect, test } from './test';

const ROOT = join(import.meta.dirname, '..');
const FOLDER = join(ROOT, 'target', 'screenshots');
const DOCUMENTS = join(ROOT, 'docs', 'screenshots');

const THEMES = ['light', 'dark'] as const;
const WIDTHS = [2200, 1440, 768, 390];
const HEIGHTS: Record<number, number> = { 2200: 1100, 1440: 950, 768: 1024, 390: 844 };

/** Maximum Cumulative Layout Shift while a page loads (below 0.1 is rated good). */
const MOVES = 0.02;

/** Wait for hydration after load, in milliseconds: the event stream never ends, so the network never becomes idle. */
const AWAKE = 400;

/** Pages between the password and the second factor. */
const HALFWAY = ['/second-factor', '/authenticator'];

/** Viewport of the pictures in the documentation. */
const WINDOW = { viewport: { width: 1280, height: 860 }, colorScheme: 'light' as const };

test('screenshots of every page in both themes at four widths', async ({ ada, fresh, guarded, browser }) => {
  await mkdir(FOLDER, { recursive: true });
  const things = await createSampleData(ada, 'Payments');
  const rows: string[] = [];
  const take = async (page: Page, route: string, path: string) => {
    for (const theme of THEMES) {
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: HEIGHTS[width] });
        await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
        await page.goto(path);
        await page.waitForTimeout(AWAKE);
        const what = `${route}, ${theme}, ${width} px`;
        expect.soft(await moved(page), `${what}: moves after it was painted`).toBeLessThan(MOVES);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        expect.soft(wide, `${what}: scrolls sideways`).toBeLessThanOrEqual(width);
        await page.screenshot({ path: join(FOLDER, file(route, theme, width)) });
      }
    }
    rows.push(row(route));
  };
  for (const [route, of] of Object.entries(PAGES)) {
    const [person, path] = of(things);
    const page = await watched(await person.open(browser));
    await take(page, route, path);
    await page.context().close();
  }
  const made = await ada.act('people/create', { name: 'Noor', email: 'noor@example.org', tenant_role: 'person' });
  const invited = await ada.act('organizations/invite', { organization: things.team.id, role: 'member', uses: '5', days: '7' });
  const outside: Record<string, string> = { '/invitation': invited.secret!, '/setup': fresh.setupLink!, '/password': made.secret!, '/address': '/address?token=none' };
  const halfway = await setUp(guarded, true);
  await halfway.act('factors/offer-totp', {});
  for (const route of OUTSIDE) {
    const stranger = async () => (await browser.newContext({ baseURL: ada.castellan.origin })).newPage();
    const page = await watched(await (HALFWAY.includes(route) ? halfway.open(browser) : stranger()));
    await take(page, route, outside[route] ?? route);
    await page.context().close();
  }
  await writeFile(join(FOLDER, 'index.html'), index(rows));
});

test('screenshots for the documentation', async ({ ada, browser }) => {
  const { grace, mei, approval, ended } = await createSampleData(ada, 'Warehouse');
  for (const [person, path, name] of [[grace, '/', 'overview'], [grace, approval, 'approval'], [mei, ended, 'task']] as const) {
    const page = await person.open(browser, WINDOW);
    await page.goto(path);
    await page.waitForTimeout(AWAKE);
    await page.screenshot({ path: join(DOCUMENTS, `${name}.png`) });
  }
});

/** Records layout shifts from the first paint on. */
async function watched(page: Page): Promise<Page> {
  await page.addInitScript(() => {
    const sum = { moved: 0 };
    Object.assign(window, { sum });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[]) {
        if (!entry.hadRecentInput) sum.moved += entry.value;
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
  return page;
}

function moved(page: Page): Promise<number> {
  return page.evaluate(() => (window as unknown as { sum: { moved: number } }).sum.moved);
}

function file(route: string, theme: string, width: number): string {
  const name = route.replace(/[^a-z]+/g, '-').replace(/^-|-$/g, '') || 'overview';
  return `${name}-${theme}-${width}.png`;
}

function row(route: string): string {
  const pictures = THEMES.flatMap((theme) => WIDTHS.map((width) => file(route, theme, width)));
  const images = pictures.map((name) => `<a href="${name}"><img src="${name}" alt="${name}" height="320" loading="lazy"></a>`);
  return `<h2>${route}</h2>\n<p>${images.join('\n')}</p>`;
}

function index(rows: string[]): string {
  const style = 'body{font-family:system-ui;margin:24px;background:#888}img{margin:4px}';
  return `<!doctype html>\n<meta charset="utf-8">\n<title>Castellan’s pages</title>\n<style>${style}</style>\n${rows.join('\n')}\n`;
}
