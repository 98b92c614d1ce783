// The page and the module in Chromium. WEB is the folder that they lie in, with the tests' files
// in `test`.
import assert from 'node:assert';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import test, { after, before } from 'node:test';
import { Browser, serve } from './chromium.mjs';

const { WEB, MODELS, SCREENSHOTS } = process.env;
let browser;
let server;

before(async () => {
  [browser, server] = await Promise.all([Browser.start(), serve(WEB)]);
});

after(async () => {
  await browser.stop();
  await server.stop();
});

async function open() {
  await browser.open(`${server.origin}/`);
  await browser.until(`document.querySelector('#next li')`);
  await browser.until(`document.querySelector('#surprise span')`);
}

async function picture(name) {
  if (SCREENSHOTS) writeFileSync(`${SCREENSHOTS}/${name}.png`, await browser.screenshot());
}

const text = () => browser.evaluate(`document.querySelector('#text').textContent`);
const isReady = `!document.querySelector('#generate').disabled`;

function size(width, height) {
  return browser.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 500 });
}

/** Fills in the form and generates to the end. */
async function generate(values) {
  await browser.evaluate(`(() => {
    for (const [id, value] of Object.entries(${JSON.stringify(values)})) {
      const field = document.getElementById(id);
      field.value = value;
      field.dispatchEvent(new Event('input'));
    }
    document.querySelector('#generate').click();
  })()`);
  await browser.until(isReady);
  await browser.evaluate('new Promise(requestAnimationFrame)');
  return text();
}

test('the hashes on record, of all models', async () => {
  await browser.open(`${server.origin}/test/conformance.txt`);
  const names = readdirSync(MODELS).sort();
  const hashes = await browser.evaluate(`(async () => {
    const { Model } = await import('/chargen.mjs');
    const { lines } = await import('/test/conformance.mjs');
    let text = '';
    for (const name of ${JSON.stringify(names)}) text += lines(await Model.load('/test/models/' + name));
    return text;
  })()`);
  assert.strictEqual(hashes, readFileSync(`${WEB}/test/conformance.txt`, 'utf8'));
});

test('text, speed and what comes next', async () => {
  await size(1280, 900);
  await open();
  assert.match(await browser.evaluate(`document.querySelector('#model').textContent`), /^place-names\.cgw: gru, 2 × 64 units/);
  const first = await generate({ seed: 3, length: 500, prompt: '' });
  assert.strictEqual([...first].length, 500);
  assert.strictEqual(await generate({ seed: 3 }), first);
  assert.notStrictEqual(await generate({ seed: 4 }), first);
  assert.match(await browser.evaluate(`document.querySelector('#speed').textContent`), /^500 characters, [\d,]+ per second$/);
  const bars = await browser.evaluate(`[...document.querySelectorAll('#next .percent')].map((each) => parseFloat(each.textContent))`);
  assert.strictEqual(bars.length, 12);
  assert.deepStrictEqual(bars, bars.toSorted((a, b) => b - a));
  await picture('wide');
});

test('a prompt begins the text, and greedy text is the likeliest', async () => {
  await open();
  const greedy = await generate({ prompt: 'New', temperature: 0, length: 1 });
  assert.match(greedy, /^New.$/s);
  await generate({ prompt: 'Xy', temperature: 0.8, length: 30 });
  assert.ok((await text()).startsWith('Xy'));
});

test('a pattern holds, and a wrong one is named', async () => {
  await open();
  const names = (await generate({ pattern: '[A-Z][a-z]{3}', length: 49 })).trimEnd().split('\n');
  assert.ok(names.slice(0, -1).every((name) => /^[A-Z][a-z]{3}$/.test(name)));
  await generate({ pattern: '[a', length: 49 });
  assert.match(await browser.evaluate(`document.querySelector('#problem').textContent`), /character/);
  await generate({ pattern: '', prompt: '中' });
  assert.match(await browser.evaluate(`document.querySelector('#problem').textContent`), /U\+4E2D/);
  await generate({ prompt: '' });
  assert.ok(await browser.evaluate(`document.querySelector('#problem').hidden`));
});

test('a press on a bar continues the text', async () => {
  await open();
  const letter = await browser.evaluate(`(() => {
    const button = document.querySelector('#next button');
    button.click();
    return button.querySelector('code').textContent;
  })()`);
  await browser.until(`document.querySelector('#text').textContent === ${JSON.stringify(letter)}`);
});

test('Stop ends a long text', async () => {
  await open();
  await browser.evaluate(`(document.querySelector('#length').value = 1000000, document.querySelector('#generate').click())`);
  await browser.until(`document.querySelector('#text').textContent.length > 100`);
  await browser.evaluate(`document.querySelector('#stop').click()`);
  await browser.until(isReady);
  assert.ok((await text()).length < 900000);
});

test('surprise is coloured, and unknown characters are marked', async () => {
  await open();
  await browser.evaluate(`(() => {
    const field = document.querySelector('#sample');
    field.value = 'Ashford\\nAshf中😀rd';
    field.dispatchEvent(new Event('input'));
  })()`);
  await browser.until(`document.querySelectorAll('#surprise .unknown').length === 2`);
  const spans = await browser.evaluate(`[...document.querySelectorAll('#surprise span')].map(({ textContent, title }) => [textContent, title])`);
  assert.strictEqual(spans.map(([each]) => each).join(''), 'Ashford\nAshf中😀rd');
  // The second name begins as the first one did.
  assert.deepStrictEqual(spans.slice(0, 4), spans.slice(8, 12));
  assert.match(await browser.evaluate(`document.querySelector('#bits').textContent`), /^\d+\.\d\d bits a character; .*: 2$/);
});

test('another model by file, and one that is none', async () => {
  await open();
  const { root } = await browser.send('DOM.getDocument');
  const { nodeId } = await browser.send('DOM.querySelector', { nodeId: root.nodeId, selector: '#file' });
  await browser.send('DOM.setFileInputFiles', { nodeId, files: [`${MODELS}/lstm-int8.cgw`] });
  await browser.until(`document.querySelector('#model').textContent.startsWith('lstm-int8.cgw: lstm')`);
  assert.strictEqual([...(await generate({ prompt: '', length: 200 }))].length, 200);
  await browser.send('DOM.setFileInputFiles', { nodeId, files: [`${WEB}/page.css`] });
  await browser.until(`!document.querySelector('#problem').hidden`);
  assert.match(await browser.evaluate(`document.querySelector('#model').textContent`), /page\.css was not loaded/);
  // The model before it still works.
  assert.strictEqual([...(await generate({ length: 100 }))].length, 100);
});

test('the keyboard reaches everything', async () => {
  await open();
  await browser.evaluate(`document.activeElement.blur()`);
  const reached = [];
  for (let turn = 0; turn < 30; turn++) {
    await browser.press('Tab');
    reached.push(await browser.evaluate(`document.activeElement.id || document.activeElement.parentElement.parentElement?.id`));
  }
  for (const id of ['file', 'prompt', 'temperature', 'seed', 'length', 'pattern', 'generate', 'text', 'next', 'sample', 'surprise']) {
    assert.ok(reached.includes(id), `${id} is not reached: ${reached}`);
  }
  await browser.evaluate(`(document.querySelector('#seed').focus(), document.querySelector('#length').value = 20)`);
  await browser.press('Enter', 'Enter', '\r');
  await browser.until(`document.querySelector('#text').textContent.length === 20`);
});

test('every field, button and region has a name', async () => {
  await open();
  const { nodes } = await browser.send('Accessibility.getFullAXTree');
  const roles = new Set(['textbox', 'slider', 'spinbutton', 'button', 'region']);
  const named = nodes.filter(({ ignored, role }) => !ignored && roles.has(role?.value));
  assert.ok(named.length > 15);
  for (const { role, name } of named) assert.ok(name?.value?.trim(), `a ${role.value} has no name`);
});

test('nothing is wider than a telephone', async () => {
  await size(360, 740);
  await open();
  await generate({ length: 300 });
  assert.ok(await browser.evaluate(`document.documentElement.scrollWidth <= 360`));
  await picture('narrow');
  await browser.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: 'dark' }] });
  await picture('narrow-dark');
  await size(1280, 900);
  await picture('dark');
  await browser.send('Emulation.setEmulatedMedia', { features: [] });
});

test('text can be read on its background, by day and by night', async () => {
  await open();
  for (const value of ['light', 'dark']) {
    await browser.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value }] });
    const ratios = await browser.evaluate(`(() => {
      const style = getComputedStyle(document.documentElement);
      const light = (name) => style.getPropertyValue('--' + name).trim().match(/[0-9a-f]{2}/g)
        .map((each) => parseInt(each, 16) / 255).map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
        .reduce((sum, each, index) => sum + each * [0.2126, 0.7152, 0.0722][index], 0);
      const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
      return [['ink', 'paper'], ['quiet', 'paper'], ['quiet', 'card'], ['on-accent', 'accent'], ['accent', 'card'],
        ['wrong', 'card'], ['ink', 'surprise']].map(([a, b]) => [a, b, ratio(a, b)]);
    })()`);
    // Web Content Accessibility Guidelines 2.1, level AA.
    for (const [a, b, ratio] of ratios) assert.ok(ratio >= 4.5, `${value}: ${a} on ${b} has ${ratio}`);
  }
  await browser.send('Emulation.setEmulatedMedia', { features: [] });
});

test('the page works without a network after the first visit', async () => {
  await open();
  await browser.evaluate(`navigator.serviceWorker.ready.then(() => true)`);
  await browser.open(`${server.origin}/`);
  await browser.until(`document.querySelector('#next li')`);
  await server.stop();
  await browser.open(`${server.origin}/`);
  await browser.until(`document.querySelector('#next li')`);
  assert.strictEqual([...(await generate({ length: 100 }))].length, 100);
  server = await serve(WEB);
});

test('nothing is reported to the console', () => {
  // Without a network, and at a page that names no icon.
  const isExpected = ({ url, text }) => /ERR_CONNECTION_REFUSED/.test(text) || /favicon\.ico$/.test(url);
  const unexpected = browser.problems.filter((each) => !isExpected(each));
  assert.deepStrictEqual(unexpected, []);
});
