// The same as plain text, to be sent to whoever can help. Nothing secret is in it.
import type { Finding, Level, Words } from './findings.ts';
import type { Verdict } from './verdict.ts';

export interface Reported {
  /** What was checked, with what and when. */
  head: readonly string[];
  verdict: Verdict;
  findings: readonly Finding[];
}

/** How words are said in the language of the person. */
export interface Voice {
  say(words: Words): string;
  level(level: Level): string;
}

export function reportOf({ head, verdict, findings }: Reported, { say, level }: Voice): string {
  const lines = findings.flatMap((finding) => [
    `${level(finding.level)}: ${finding.message.map(say).join(' ')}`,
    ...(finding.remedy ? [`  → ${say(finding.remedy)}`] : []),
  ]);
  const conclusion = [say(verdict.sentence), ...(verdict.remedy ? [`  → ${say(verdict.remedy)}`] : [])];
  return [...head, '', ...conclusion, '', ...lines, ''].join('\n');
}
