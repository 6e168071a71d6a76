import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { Worker, Runtime, DefaultLogger, makeTelemetryFilterString } from '@temporalio/worker';
import { workflowCode } from '/work/main/worker/workflowBundle.ts';
Runtime.install({ logger: new DefaultLogger('ERROR', () => {}), telemetryOptions: { logging: { forward: {}, filter: 'OFF' } } } as any);
const require1 = createRequire(import.meta.url);
const requireCommon = createRequire(require1.resolve('@temporalio/common'));
const requireProto = createRequire(requireCommon.resolve('@temporalio/proto'));
const protojson = requireProto('protobufjs/ext/protojson');
const { patchProtobufRoot } = requireCommon('@temporalio/proto/lib/patch-protobuf-root');
const type = patchProtobufRoot(requireCommon('@temporalio/proto')).lookupType('temporal.api.history.v1.History');
const load = (edit: (events: any[]) => any) => {
  const json = JSON.parse(readFileSync('/tmp/hf/h.json', 'utf8'));
  const events = edit(json.events) ?? json.events;
  return protojson.fromJson(type, { events }, { ignoreUnknownFields: true });
};
const sched = (e: any[]) => e.filter((x) => x.activityTaskScheduledEventAttributes);
const cases: Record<string, (e: any[]) => any> = {
  none: () => {},
  type: (e) => { sched(e)[2].activityTaskScheduledEventAttributes.activityType.name = 'other'; },
  typeDup: (e) => { sched(e)[3].activityTaskScheduledEventAttributes.activityType.name = 'get_patient_demographics'; },
  model2type: (e) => { sched(e)[5].activityTaskScheduledEventAttributes.activityType.name = 'callModels'; },
  badinput: (e) => { const s = sched(e)[0]; const c = e.find((x)=>x.activityTaskCompletedEventAttributes); c.activityTaskCompletedEventAttributes.result.payloads[0].data = Buffer.from('{}').toString('base64'); },
};
for (const [name, edit] of Object.entries(cases)) for (let n = 1; n <= 39; n++) {
  try { await Worker.runReplayHistory({ workflowBundle: await workflowCode() as any }, { events: load(edit).events.slice(0, n) }); process.stdout.write(name+n+' ');}
  catch (e: any) { console.log(name, n, e.name, e.message.slice(0,600)); if (n > 20) break; }
}
