// Run by package.json's scripts on the installed Node: installs the locked dependencies, then runs the script on the
// Node among them, which executes TypeScript directly. Plain JavaScript that needs only Node 20.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const LOCK = join(ROOT, 'package-lock.json');
const MODULES = join(ROOT, 'node_modules');
// What npm last installed, and the hash of the lock file that we last found installed.
const INSTALLED = join(MODULES, '.package-lock.json');
const STAMP = join(MODULES, '.holdfast-lock');
const NODE = join(MODULES, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

const SCRIPTS = { start: 'cli/examples/demo.ts', test: 'test/run.ts' };
const REPORT_MS = 10_000;

/** Prints what to do, and exits. */
function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function lockHash() {
  return createHash('sha256').update(readFileSync(LOCK)).digest('hex');
}

/** Returns why npm must run; null if everything is installed. */
function whyInstall() {
  if (!existsSync(INSTALLED)) return 'none are installed';
  if (!existsSync(NODE)) return 'the Node of this project is missing';
  const hash = lockHash();
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === hash) return null;
  if (!isInstalled()) return 'package-lock.json has changed';
  writeFileSync(STAMP, hash);
  return null;
}

/** Whether the installed packages match the lock file: npm may have been run by hand. */
function isInstalled() {
  const installed = JSON.parse(readFileSync(INSTALLED, 'utf8')).packages;
  return Object.entries(JSON.parse(readFileSync(LOCK, 'utf8')).packages).every(
    ([path, { version, optional, integrity }]) =>
      path === '' ||
      // Made for another platform.
      (optional && !(path in installed)) ||
      (installed[path]?.version === version && installed[path]?.integrity === integrity),
  );
}

async function install(why) {
  const startedAt = Date.now();
  const seconds = () => Math.round((Date.now() - startedAt) / 1000);
  const doing = `Installing the locked dependencies (npm ci; ${why})`;
  // On stderr: stdout is for results.
  const live = process.stderr.isTTY;
  const show = () => process.stderr.write(live ? `\r\x1b[K${doing}: ${seconds()} s` : `${doing}: ${seconds()} s\n`);
  if (live) show();
  else process.stderr.write(`${doing} …\n`);
  const ticker = setInterval(show, live ? 1_000 : REPORT_MS);

  const args = ['ci', '--loglevel=error', '--no-audit', '--no-fund'];
  // npm passes its own path to scripts; "npm" on the PATH may be another one.
  const npm = process.env.npm_execpath?.endsWith('npm-cli.js') ? process.env.npm_execpath : null;
  const child = npm
    ? spawn(process.execPath, [npm, ...args], { cwd: ROOT })
    : spawn('npm', args, { cwd: ROOT, shell: process.platform === 'win32' });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  const problem = await new Promise((done) => {
    child.on('error', (error) => done(`npm could not be started: ${error.message}`));
    child.on('close', (code, signal) => done(code === 0 ? null : `npm ci failed (${signal ?? code})`));
  });
  clearInterval(ticker);
  if (live) process.stderr.write('\r\x1b[K');
  if (problem !== null)
    fail(`${output}${problem}, after ${seconds()} s. Its output is above.
If the registry cannot be reached, check "npm config get registry" and "npm config get proxy"; then try again.`);
  if (!existsSync(NODE))
    fail(`${output}npm ci did not install the Node of this project: install scripts seem to be disabled.
Run "npm rebuild node --ignore-scripts=false" and try again.`);
  writeFileSync(STAMP, lockHash());
  process.stderr.write(`Installed the locked dependencies in ${seconds()} s.\n`);
}

/** Runs the script on the project's Node, and exits with its code. */
function runScript(script, args) {
  const child = spawn(NODE, [resolve(ROOT, script), ...args], { stdio: 'inherit' });
  // The terminal sends Ctrl-C to the child as well; do not send it twice.
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => {
      if (!(terminal && signal === 'SIGINT')) child.kill(signal);
    });
  child.on('error', (error) =>
    fail(`${NODE} could not be started: ${error.message}. Delete node_modules and try again.`),
  );
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

const [name, ...args] = process.argv.slice(2);
if (Number(process.versions.node.split('.')[0]) < 20)
  fail(`Holdfast needs Node 20 or later to start, and this is ${process.version}. See https://nodejs.org.`);
if (name === undefined) fail('Usage: node cli/entry.mjs start | test | FILE.ts [ARGUMENT …]');
const why = whyInstall();
if (why !== null) await install(why);
runScript(Object.hasOwn(SCRIPTS, name) ? SCRIPTS[name] : name, args);
