import { type CheckResult, count, isConformant, type Report } from './report.ts';

/** How a report is written. */
export const FORMATS: Readonly<Record<'text' | 'json' | 'junit', (report: Report) => string>> = {
  text: asText,
  json: (report) => `${JSON.stringify({ conformant: isConformant(report), ...report }, undefined, 2)}\n`,
  junit: asJunit,
};

const MARKS = { passed: 'ok     ', failed: 'FAILED ', blocked: 'blocked', skipped: 'skipped' } as const;

/** One line for a check, and what is to be known of one that did not pass. */
export function resultText({ id, title, section, outcome }: CheckResult): string {
  const line = `${MARKS[outcome.kind]}  ${id}  ${title}\n`;
  switch (outcome.kind) {
    case 'passed':
      return line;
    case 'failed': {
      const { asked, came, says, advice } = outcome.violation;
      return `${line}    asked:  ${asked}\n    came:   ${came}\n    spec:   ${says} (CSI 1.12, ${section})\n    do:     ${advice}\n`;
    }
    case 'blocked':
    case 'skipped':
      return `${MARKS[outcome.kind]}  ${id}  ${outcome.reason}\n`;
  }
}

/** What a driver is and claims, as the head of a report. */
export function headText({ driver, claims }: Pick<Report, 'driver' | 'claims'>): string {
  const lines = Object.entries(claims).map(
    ([service, names]) => `  ${service}: ${names.join(', ') || 'none'}\n`,
  );
  return `${driver.name} ${driver.vendorVersion} at ${driver.endpoint}\n${lines.join('')}\n`;
}

/** What it comes to. */
export function summaryText(report: Report): string {
  const numbers = (['passed', 'failed', 'blocked', 'skipped'] as const).map(
    (kind) => `${count(report, kind)} ${kind}`,
  );
  const wrong = report.results.filter(
    ({ outcome }) => outcome.kind === 'failed' || outcome.kind === 'blocked',
  );
  const list = wrong.map(({ id, outcome }) => `  ${outcome.kind}: ${id}\n`).join('');
  return `\n${numbers.join(', ')}\n${list}`;
}

function asText(report: Report): string {
  return headText(report) + report.results.map(resultText).join('') + summaryText(report);
}

function asJunit(report: Report): string {
  const cases = report.results.map((result) => {
    const name = escapeXml(`${result.id}: ${result.title}`);
    const time = (result.durationMs / 1000).toFixed(3);
    const attributes = `name="${name}" classname="${escapeXml(result.section)}" time="${time}"`;
    return `  <testcase ${attributes}>${junitOutcome(result)}</testcase>\n`;
  });
  const totals = `tests="${report.results.length}" failures="${count(report, 'failed')}" errors="${count(report, 'blocked')}" skipped="${count(report, 'skipped')}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuite name="${escapeXml(report.driver.name)}" ${totals}>\n${cases.join('')}</testsuite>\n`;
}

function junitOutcome(result: CheckResult): string {
  const { outcome } = result;
  switch (outcome.kind) {
    case 'passed':
      return '';
    case 'failed':
      return `<failure message="${escapeXml(outcome.violation.came)}">${escapeXml(resultText(result))}</failure>`;
    case 'blocked':
      return `<error message="${escapeXml(outcome.reason)}"/>`;
    case 'skipped':
      return `<skipped message="${escapeXml(outcome.reason)}"/>`;
  }
}

const XML: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '\n',
  '\t': '\t',
};

/** XML 1.0 has no control characters but white space, not even escaped. */
function escapeXml(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (c) => XML[c] ?? '\ufffd').replaceAll(/[&<>"]/g, (c) => XML[c]!);
}
