// node count.mjs trx|vitest FILE: prints "PASSED FAILED" from a runner's result file.
import { readFileSync } from 'node:fs';

const [kind, file] = process.argv.slice(2);
const text = readFileSync(file, 'utf8');

const readers = {
  trx() {
    const counters = text.match(/<Counters\b[^>]*>/)[0];
    const count = name => Number(counters.match(new RegExp(`\\b${name}="(\\d+)"`))?.[1] ?? 0);
    return [count('passed'), ['failed', 'error', 'timeout', 'aborted'].reduce((sum, name) => sum + count(name), 0)];
  },
  vitest() {
    const result = JSON.parse(text);
    // A file that cannot be loaded fails without a test of its own.
    const silent = result.testResults.filter(suite => suite.status === 'failed' && !suite.assertionResults.some(test => test.status === 'failed'));
    const failed = result.numFailedTests + silent.length;
    return [result.numPassedTests, failed || (result.success ? 0 : 1)];
  },
};
console.log(readers[kind]().join(' '));
