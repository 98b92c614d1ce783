// The page: what it shows comes from worker.mjs.
const element = (id) => document.getElementById(id);
const worker = new Worker(new URL('worker.mjs', import.meta.url), { type: 'module' });
const waiting = new Map();
let calls = 0;

/** Calls a function of the worker. */
function call(name, values) {
  return new Promise((resolve, reject) => {
    waiting.set(++calls, { resolve, reject });
    worker.postMessage({ id: calls, call: name, values });
  });
}

worker.addEventListener('message', ({ data: { id, result, error, text } }) => {
  if (id === undefined) return append(text);
  const { resolve, reject } = waiting.get(id);
  waiting.delete(id);
  if (error === undefined) resolve(result);
  else reject(new Error(error));
});
worker.addEventListener('error', ({ message }) => show(new Error(message ?? 'this browser cannot run the model')));

function show(error) {
  element('problem').textContent = error?.message ?? '';
  element('problem').hidden = !error;
}

// ---- Text ----

let pending = '';

/** Adds text at the next frame: a model writes faster than a page is drawn. */
function append(text) {
  if (pending === '') requestAnimationFrame(flush);
  pending += text;
}

function flush() {
  const text = element('text');
  const isAtEnd = text.scrollTop + text.clientHeight >= text.scrollHeight - 4;
  text.append(pending);
  pending = '';
  if (isAtEnd) text.scrollTop = text.scrollHeight;
}

const number = new Intl.NumberFormat('en');

function visible(character) {
  const names = { ' ': 'space', '\n': 'line', '\t': 'tab' };
  return character === null ? 'end' : (names[character] ?? character);
}

function showNext(next) {
  element('next').replaceChildren(...next.map(({ character, probability }) => {
    const percent = `${(100 * probability).toFixed(1)} %`;
    const item = document.createElement('li');
    const button = item.appendChild(document.createElement('button'));
    button.type = 'button';
    button.append(
      Object.assign(document.createElement('code'), { textContent: visible(character) }),
      document.createElement('span'),
      Object.assign(document.createElement('span'), { textContent: percent, className: 'percent' }));
    const bar = button.children[1].appendChild(document.createElement('div'));
    bar.className = 'bar';
    bar.style.width = `${100 * probability}%`;
    button.addEventListener('click', async () => {
      const place = [...element('next').children].indexOf(item);
      try {
        const { next: following } = await call('feed', { character });
        append(character ?? '\n');
        showNext(following);
        element('next').children[place]?.firstChild.focus();
      } catch (error) {
        show(error);
      }
    });
    return item;
  }));
}

element('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  show(null);
  const prompt = element('prompt').value;
  const promptText = document.createElement('b');
  promptText.textContent = prompt;
  element('text').replaceChildren(promptText);
  element('generate').disabled = true;
  element('stop').disabled = false;
  element('speed').textContent = '';
  try {
    const { count, speed, next } = await call('generate', {
      prompt,
      temperature: Number(element('temperature').value),
      seed: element('seed').value,
      maxCharacters: Number(element('length').value),
      pattern: element('pattern').value,
    });
    element('speed').textContent = `${number.format(count)} characters, ${number.format(Math.round(speed))} per second`;
    showNext(next);
  } catch (error) {
    show(error);
  }
  element('generate').disabled = false;
  element('stop').disabled = true;
});

element('stop').addEventListener('click', () => call('stop'));
element('temperature').addEventListener('input', ({ target }) => {
  element('temperature-value').textContent = target.value;
});

// ---- Surprise ----

let surprises = 0;

async function showSurprise() {
  const turn = ++surprises;
  const text = element('sample').value.replace(/\n+$/, '').slice(0, 5000);
  const { bits } = await call('surprise', { text });
  if (turn !== surprises) return;
  const spans = [...text].map((character, index) => {
    const span = document.createElement('span');
    span.textContent = character;
    if (bits[index] === null) {
      span.className = 'unknown';
      span.title = 'unknown to the model';
    } else {
      span.style.setProperty('--bits', Math.min(bits[index], 10));
      span.title = `${bits[index].toFixed(2)} bits`;
    }
    return span;
  });
  element('surprise').replaceChildren(...spans);
  const known = bits.filter((each) => each !== null);
  const total = known.reduce((sum, each) => sum + each, 0);
  const unknown = bits.length - known.length;
  element('bits').textContent = known.length === 0 ? '' : `${(total / known.length).toFixed(2)} bits a character`
    + (unknown === 0 ? '' : `; left out, since the model does not know them: ${number.format(unknown)}`);
}

element('sample').addEventListener('input', () => showSurprise().catch(show));

// ---- Models ----

async function load(source, name) {
  show(null);
  element('model').textContent = `Loading ${name}…`;
  try {
    const { cell, layers, hiddenSize, parameters, weightType, characters, next } = await call('load', { source });
    element('model').textContent = `${name}: ${cell}, ${layers} × ${hiddenSize} units, ${number.format(parameters)} `
      + `parameters in ${weightType}, ${number.format(characters)} characters`;
    element('generate').disabled = false;
    element('text').replaceChildren();
    showNext(next);
    await showSurprise();
  } catch (error) {
    element('model').textContent = `${name} was not loaded.`;
    show(error);
  }
}

element('file').addEventListener('change', ({ target }) => {
  if (target.files[0]) load(target.files[0], target.files[0].name);
});
addEventListener('dragover', (event) => {
  event.preventDefault();
  document.documentElement.classList.add('dropping');
});
addEventListener('dragleave', () => document.documentElement.classList.remove('dropping'));
addEventListener('drop', (event) => {
  event.preventDefault();
  document.documentElement.classList.remove('dropping');
  const file = event.dataTransfer.files[0];
  if (file) load(file, file.name);
});

load(new URL('place-names.cgw', import.meta.url).href, 'place-names.cgw');
// After the first visit the page works without a network.
navigator.serviceWorker?.register(new URL('offline.js', import.meta.url)).catch(() => {});
