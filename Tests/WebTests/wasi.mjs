// Runs a program for WASI: wasi.mjs PROGRAM ARGUMENTS…
import { readFileSync } from 'node:fs';

process.removeAllListeners('warning');
const { WASI } = await import('node:wasi');
const [, , program, ...rest] = process.argv;
const wasi = new WASI({ version: 'preview1', args: [program, ...rest], env: process.env, preopens: { '/': '/' } });
const { instance } = await WebAssembly.instantiate(readFileSync(program), wasi.getImportObject());
process.exitCode = wasi.start(instance);
