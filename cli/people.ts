// What people are asked, and what they said, as lines on a screen.
import type { RunEvent } from '../core/run.ts';
import type { Question, StandingDecision } from '../core/types.ts';
import { inertLine } from './inert.ts';
import { type Screen, wrapped } from './screen.ts';

type PersonEvent = Extract<RunEvent, { type: 'question' | 'decided' | 'said' | 'ordered' }>;

export function personLines(event: PersonEvent, screen: Screen): string[] {
  const lines = wrapped(personText(event), screen.columns - 2).map((line) => `  ${line}`);
  return lines.map((line) => screen.paint('yellow', line));
}

function personText(event: PersonEvent): string {
  switch (event.type) {
    case 'question':
      return `? ${questionText(event.question)}`;
    case 'decided':
      return `! ${decisionText(event.decision)}`;
    case 'said':
      return `> ${inertLine(event.text, 600)}`;
    case 'ordered':
      return `! ${event.order}${by(event.by)}${event.why ? `: ${inertLine(event.why, 300)}` : ''}`;
  }
}

export function questionText(question: Question): string {
  if (question.kind === 'budget') return question.reason;
  const asked = question.question ? ` ${inertLine(question.question, 600)}` : '';
  return `${question.call} ${inertLine(question.tool, 64)} ${inertLine(question.arguments, 600)}${asked}`;
}

export function decisionText({ call, verdict, by: who, why }: StandingDecision): string {
  return `${call}: ${verdict}${by(who)}${why ? `: ${inertLine(why, 300)}` : ''}`;
}

function by(who: string | null): string {
  return who ? ` by ${inertLine(who, 64)}` : '';
}
