// Usage: node pack-replay.mjs FILE, from the top of the repository. Writes the page that BatchViz.Recording fills with an
// experiment: everything that a browser needs for it, in one file, and a policy under which nothing can be fetched and no
// script runs but these. docs/html-replay.md describes it.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const top = pathToFileURL(process.cwd() + '/');
const { buildSync, transformSync } = await import(new URL('node_modules/esbuild/lib/main.js', top));
const read = (path) => readFileSync(new URL(path, top), 'utf8');
const base64 = (path) => readFileSync(new URL(path, top)).toString('base64');

/** A script or style as an element, and the hash by which the policy knows it. */
function inline(tag, attributes, text) {
  if (new RegExp(`</${tag}|<!--`, 'i').test(text)) throw new Error(`The ${tag} would end early: it holds </${tag} or <!--.`);
  return { element: `<${tag}${attributes}>${text}</${tag}>`, hash: `'sha256-${createHash('sha256').update(text).digest('base64')}'` };
}

/** Replaces what must be there exactly once. */
function exchange(text, what, by) {
  const parts = text.split(what);
  if (parts.length !== 2) throw new Error(`The page has ${parts.length - 1} times, and not once: ${what}`);
  return parts.join(by);
}

const minify = { bundle: true, minify: true, target: 'es2022', charset: 'utf8', write: false, outdir: 'out', logLevel: 'warning' };
const built = buildSync({ ...minify, format: 'esm', entryPoints: [fileURLToPath(new URL('src/BatchViz.Stage/replay.ts', top))] }).outputFiles;
const output = (ending) => built.find((file) => file.path.endsWith(ending)).text;

const imported = [...read('wwwroot/css/site.css').matchAll(/@import url\("(\w+)\.css"\)/g)].map((match) => match[1]).filter((name) => name !== 'fonts');
const sheets = [...imported, 'site'].map((name) => read(`wwwroot/css/${name}.css`).replace(/@import [^;]*;/g, ''));
const font = `@font-face{font-family:"Inter Variable";font-weight:100 900;src:url(data:font/woff2;base64,${base64('node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2')}) format("woff2")}`;
const css = buildSync({ ...minify, stdin: { contents: [...sheets, font].join('\n'), loader: 'css' } }).outputFiles[0].text;

const style = inline('style', '', output('.css') + css);
const theme = inline('script', '', transformSync(read('wwwroot/js/theme.js'), { minify: true }).code);
const script = inline('script', ' type="module"', output('.js'));
const body = exchange(read('src/BatchViz.Stage/page.html').replace(/<!--[\s\S]*?-->\n?/g, ''),
  '<a class="brand" href="/" aria-label="BatchViz, home">BatchViz</a>', '<span class="brand">BatchViz</span>').replace(/\n\s*/g, '\n').trim();
const policy = `default-src 'none'; script-src ${theme.hash} ${script.hash}; style-src ${style.hash}; img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'`;

const file = process.argv[2];
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
<!--batchviz:head-->
<link rel="icon" type="image/svg+xml" href="data:image/svg+xml;base64,${base64('wwwroot/icon.svg')}">
${theme.element}
${style.element}
</head>
<body>
${body}
${script.element}
<!--batchviz:data-->
</body>
</html>
`);
