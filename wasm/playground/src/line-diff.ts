/**
 * A diff of lines first, and of characters within the lines that differ.
 *
 * In a thousand resources nearly all lines are the same. Comparing a million characters takes half
 * a second; comparing the lines that are left without the equal ones at both ends takes almost no
 * time.
 */

import { Change, presentableDiff } from "@codemirror/merge";

/** With more edits than this, the lines are not compared any further: they all count as changed. */
const MOST_EDITS = 2_000;

/** How many characters are compared at once. */
const BLOCK = 4_096;

interface Hunk {
  fromA: number;
  toA: number;
  fromB: number;
  toB: number;
}

export function lineDiff(a: string, b: string): Change[] {
  const [head, tail] = equalEnds(a, b);
  const [middleA, middleB] = [a.slice(head, a.length - tail), b.slice(head, b.length - tail)];
  const linesA = split(middleA);
  const linesB = split(middleB);
  const startsA = starts(linesA);
  const startsB = starts(linesB);
  return hunks(linesA, linesB).flatMap(({ fromA, toA, fromB, toB }) => {
    const [startA, endA] = [startsA[fromA] ?? middleA.length, startsA[toA] ?? middleA.length];
    const [startB, endB] = [startsB[fromB] ?? middleB.length, startsB[toB] ?? middleB.length];
    const whole = new Change(startA + head, endA + head, startB + head, endB + head);
    if (startA === endA || startB === endB) {
      return [whole];
    }
    const inner = presentableDiff(middleA.slice(startA, endA), middleB.slice(startB, endB), { scanLimit: 500 });
    const at = ({ fromA, toA, fromB, toB }: Change) =>
      new Change(fromA + whole.fromA, toA + whole.fromA, fromB + whole.fromB, toB + whole.fromB);
    return inner.map(at);
  });
}

/** How many characters of whole lines are equal at the start and at the end. */
function equalEnds(a: string, b: string): [number, number] {
  const shorter = Math.min(a.length, b.length);
  let head = 0;
  // Blocks first: texts are compared much faster than characters.
  while (head + BLOCK <= shorter && a.slice(head, head + BLOCK) === b.slice(head, head + BLOCK)) {
    head += BLOCK;
  }
  while (head < shorter && a.charCodeAt(head) === b.charCodeAt(head)) {
    head += 1;
  }
  if (head === a.length && head === b.length) {
    return [head, 0];
  }
  head = head === 0 ? 0 : a.lastIndexOf("\n", head - 1) + 1;
  const rest = shorter - head;
  const [endA, endB] = [a.length, b.length];
  let tail = 0;
  while (tail + BLOCK <= rest && a.slice(endA - tail - BLOCK, endA - tail) === b.slice(endB - tail - BLOCK, endB - tail)) {
    tail += BLOCK;
  }
  while (tail < rest && a.charCodeAt(endA - 1 - tail) === b.charCodeAt(endB - 1 - tail)) {
    tail += 1;
  }
  const lineEnd = a.indexOf("\n", endA - tail);
  return [head, lineEnd < 0 ? 0 : endA - lineEnd - 1];
}

/** Lines with their line endings, so that joining them gives the text. */
function split(text: string): string[] {
  const lines = text.split("\n");
  const last = lines.pop() ?? "";
  const whole = lines.map((line) => `${line}\n`);
  return last === "" ? whole : [...whole, last];
}

function starts(lines: string[]): number[] {
  let at = 0;
  return lines.map((line) => {
    const start = at;
    at += line.length;
    return start;
  });
}

/** The runs of lines that differ: Myers' greedy algorithm between the equal ends. */
function hunks(a: string[], b: string[]): Hunk[] {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) {
    head += 1;
  }
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) {
    tail += 1;
  }
  const [endA, endB] = [a.length - tail, b.length - tail];
  if (head === endA && head === endB) {
    return [];
  }
  const trace = search(a, b, head, endA, endB);
  return trace ? backtrack(trace, head, endA, endB) : [{ fromA: head, toA: endA, fromB: head, toB: endB }];
}

/** The furthest line of `a` on each diagonal, for each number of edits. */
function search(a: string[], b: string[], head: number, endA: number, endB: number): Map<number, number>[] | undefined {
  const [sizeA, sizeB] = [endA - head, endB - head];
  const furthest = new Map<number, number>([[1, 0]]);
  const trace: Map<number, number>[] = [];
  for (let edits = 0; edits <= Math.min(sizeA + sizeB, MOST_EDITS); edits += 1) {
    trace.push(new Map(furthest));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let x = step(furthest, diagonal, edits);
      while (x < sizeA && x - diagonal < sizeB && a[head + x] === b[head + x - diagonal]) {
        x += 1;
      }
      furthest.set(diagonal, x);
      if (x >= sizeA && x - diagonal >= sizeB) {
        return trace;
      }
    }
  }
  return undefined;
}

function step(furthest: Map<number, number>, diagonal: number, edits: number): number {
  const below = furthest.get(diagonal - 1) ?? -1;
  const above = furthest.get(diagonal + 1) ?? -1;
  return diagonal === -edits || (diagonal !== edits && below < above) ? above : below + 1;
}

function backtrack(trace: Map<number, number>[], head: number, endA: number, endB: number): Hunk[] {
  const found: Hunk[] = [];
  let [x, y] = [endA - head, endB - head];
  for (let edits = trace.length - 1; edits > 0; edits -= 1) {
    const furthest = trace[edits];
    if (!furthest) {
      break;
    }
    const diagonal = x - y;
    const below = furthest.get(diagonal - 1) ?? -1;
    const above = furthest.get(diagonal + 1) ?? -1;
    const isInsert = diagonal === -edits || (diagonal !== edits && below < above);
    const from = isInsert ? diagonal + 1 : diagonal - 1;
    const fromX = furthest.get(from) ?? 0;
    const fromY = fromX - from;
    const hunk = { fromA: head + fromX, toA: head + fromX + (isInsert ? 0 : 1), fromB: head + fromY, toB: head + fromY + (isInsert ? 1 : 0) };
    const next = found.at(-1);
    if (next && next.fromA === hunk.toA && next.fromB === hunk.toB) {
      next.fromA = hunk.fromA;
      next.fromB = hunk.fromB;
    } else {
      found.push(hunk);
    }
    [x, y] = [fromX, fromY];
  }
  return found.reverse();
}
