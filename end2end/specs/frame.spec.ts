// The frame of every page: navigation, menus, messages, fonts, addresses and print; visual regression of all components (D-09).
import type { Page } from '@playwright/test';
import { expect, test } from '../test';

test('the navigation stays in view, with Emergency at its foot', async ({ ada, browser }) => {
  const page = await ada.open(browser, { viewport: { width: 1440, height: 800 } });
  await page.goto('/dev/gallery');
  await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
  const nav = page.getByRole('navigation', { name: 'Main' });
  const emergency = nav.getByRole('link').last();
  await expect(emergency).toHaveText('Emergency');
  await expect(nav.getByRole('link', { name: 'Overview' })).toBeInViewport();
  await expect(emergency).toBeInViewport();
  await expect(nav.getByRole('link', { name: 'Account' })).toHaveCount(0);
  await page.locator('.person > summary').click();
  await page.locator('.person').getByRole('link', { name: 'Account' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Account' })).toBeVisible();
});

test('after a refused form, the address is that of its page', async ({ ada, browser }) => {
  const page = await ada.open(browser);
  await page.goto('/organizations/new');
  await page.getByRole('button', { name: 'Create organization' }).click();
  await expect(page.getByRole('alert')).toBeVisible();
  await expect(page).toHaveURL('/organizations/new');
  await page.reload();
  await expect(page.getByRole('alert')).toHaveCount(0);
  await page.goto('/actions/organizations/create');
  await expect(page, 'the address of a form redirects').toHaveURL('/');
});

test('fonts come from the server, are cached, and move nothing', async ({ ada, browser }) => {
  const page = await ada.open(browser);
  await page.addInitScript(() => {
    Object.assign(window, { moved: 0 });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) Object.assign(window, { moved: (window as unknown as { moved: number }).moved + (entry as unknown as { value: number }).value });
    }).observe({ type: 'layout-shift', buffered: true });
  });
  const loaded: string[] = [];
  page.on('response', (response) => {
    if (response.request().resourceType() !== 'font') return;
    loaded.push(`${response.headers()['content-type']} ${response.headers()['cache-control']}`);
  });
  // The slower the fonts, the more their arrival could move.
  await page.route('**/*.woff2', async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    await route.continue();
  });
  await page.goto('/dev/gallery');
  await page.evaluate(() => document.fonts.ready);
  expect(await page.evaluate(() => [...document.fonts].filter((font) => font.status === 'loaded').map((font) => font.family.replaceAll('"', '')))).toEqual(
    expect.arrayContaining(['Inter', 'JetBrains Mono']),
  );
  expect(loaded).toEqual(Array(2).fill('font/woff2 public, max-age=31536000, immutable'));
  expect(await page.evaluate(() => (window as unknown as { moved: number }).moved), 'cumulative layout shift').toBeLessThan(0.02);
});

test('a success message is a toast outside the flow, and leaves when it lost the focus', async ({ ada, browser }) => {
  const page = await ada.open(browser);
  await page.goto('/people?done=sessions-ended');
  const toast = page.locator('.toast');
  await expect(toast).toBeFocused();
  await expect(toast).toHaveCSS('position', 'fixed');
  await page.keyboard.press('Tab');
  await expect(toast).toBeHidden({ timeout: 15_000 });
});

test('on paper there is only the content, in the light theme', async ({ ada, browser }) => {
  const page = await ada.open(browser);
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  await page.goto('/audit');
  for (const hidden of ['.bar', '.nav-wide', '.narrow']) await expect(page.locator(hidden)).toBeHidden();
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  expect(await page.evaluate(() => getComputedStyle(document.body).color)).toBe('rgb(22, 27, 38)');
});

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1440, 390]) {
    test(`the components look as in their picture, ${colorScheme}, ${width} px`, async ({ ada, browser }) => {
      const page = await ada.open(browser, { viewport: { width, height: 900 }, colorScheme, reducedMotion: 'reduce' });
      await page.goto('/dev/gallery');
      await settled(page);
      await expect(page.locator('#main')).toHaveScreenshot(`gallery-${colorScheme}-${width}.png`);
    });
  }
}

/** Waits for fonts and islands, of which one shows the password, and removes what covers the components or depends on other tests. */
async function settled(page: Page): Promise<void> {
  await page.locator('.bar, .news').evaluateAll((elements) => elements.forEach((element) => element.remove()));
  await page.evaluate(() => document.fonts.ready);
  await expect(page.getByRole('button', { name: 'Show' })).toBeVisible();
}
