// node docs/pictures.mjs [name …]
// Takes the pictures of README and docs from the running program: every one is a permalink (docs/permalinks.md) in a headless Chromium.
// Build first (dotnet build src/BatchViz). With names, only those.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Browser, serve, sleep, top } from '../bench/chromium.mjs';

const DESKTOP = [1440, 900], PROJECTOR = [1920, 1080], PHONE = [390, 844];

/** Experiment, and of each picture: its name, size, theme, fragment of the address, and what is done before it is taken (in the page). */
const PICTURES = JSON.parse(readFileSync(new URL('pictures.json', import.meta.url), 'utf8'));
const SIZES = { desktop: DESKTOP, projector: PROJECTOR, phone: PHONE };
const wanted = process.argv.slice(2);

for (const { experiment, pictures } of PICTURES) {
  const some = pictures.filter(picture => wanted.length === 0 || wanted.includes(picture.name));
  if (some.length === 0) continue;
  const spec = JSON.parse(readFileSync(join(top, 'examples', experiment), 'utf8'));
  delete spec.$schema;
  const server = await serve(spec);
  const browser = await Browser.start();
  for (const { name, size, theme, fragment, role, language, act } of some) {
    const [width, height] = SIZES[size];
    await browser.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: size === 'phone' ? 2 : 1, mobile: size === 'phone' });
    await browser.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: theme }, { name: 'prefers-reduced-motion', value: 'reduce' }] });
    // Whoever sits at the computer is its owner, unless a viewer's link has been opened.
    await browser.send('Network.clearBrowserCookies');
    if (role !== 'owner') await browser.send('Page.navigate', { url: server.viewer });
    await sleep(1);
    await browser.send('Page.navigate', { url: 'about:blank' });
    await browser.send('Page.navigate', { url: `${new URL(server.viewer).origin}/?lang=${language ?? 'en'}#v=1&theme=${theme}&${fragment}` });
    for (let i = 0; i < 120 && !(await browser.evaluate('!!window.batchviz?.state().grid').catch(() => false)); i++) await sleep(0.5);
    await sleep(1);
    if (act) await browser.evaluate(`(async () => { ${act} })()`);
    await browser.evaluate('window.batchviz.idle()');
    await sleep(3); // what is asked of the server once the playhead stands still
    await browser.evaluate('window.batchviz.idle()');
    const { data } = await browser.send('Page.captureScreenshot', { format: 'png' });
    writeFileSync(join(top, 'docs/images', `${name}.png`), Buffer.from(data, 'base64'));
    console.log(name);
  }
  await browser.stop();
  await server.stop();
}
process.exit(0);
