// Playwright configuration of `cargo xtask screenshots`.
import config from './playwright.config';

export default { ...config, testDir: '.', testMatch: 'screenshot.ts', workers: 1, timeout: 300_000 };
