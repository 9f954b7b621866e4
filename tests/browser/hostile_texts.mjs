// Texts that run a script where they are not escaped. Each would set `globalThis.hacked`.
const RUN = 'globalThis.hacked=1;alert(1)';

export const NAMES = [
  `<script>${RUN}</script>`,
  `"><img src=x onerror="${RUN}">`,
  `'><svg onload='${RUN}'>`,
  `</title></textarea></script><script>${RUN}</script>`,
  `javascript:${RUN}`,
  `<a href="javascript:${RUN}" onfocus=${RUN} autofocus>x</a>`,
  `&lt;script&gt;${RUN}&lt;/script&gt;`,
  `<!-- <base href="http://192.0.2.1/"> <link rel=stylesheet href=http://192.0.2.1/x.css>`,
  `{{constructor.constructor('${RUN}')()}}`,
  `\u202egnp.exe\u202c \u200b\u0301\u0301\u0301 \u{1f4a5}`,
  `<iframe srcdoc="<script>parent.hacked=1</script>"></iframe><form action=http://192.0.2.1/><button>x`,
  'x'.repeat(3_000),
];
export const BATCH = `javascript:${RUN}`;
export const TITLE = NAMES[1];
export const WORKER = NAMES[0];
export const SUITE = `"><img src="http://192.0.2.1/x.png" onerror=${RUN}>`;
export const MESSAGE = `${NAMES[0]} http://192.0.2.1/ ${NAMES[1]}`;
export const DETAILS = `\u001b[31m${NAMES.join('\n')}\u001b]8;;http://192.0.2.1/\u0007link\u001b]8;;\u0007\n${'long '.repeat(2_000)}`;
export const LABELS = { 'OS"><script>': `<img src=x onerror=${RUN}>` };
