import{a as e,n as t,t as n}from"./jsx-runtime-Wy9s6hX0.js";import{r}from"./server-efG8e8-A.js";import{t as i}from"./useQuery-B0CYW5Jx.js";import{a,i as o,t as s}from"./button-D-NxOhPh.js";import{t as c}from"./src-1nk5SXfK.js";import{n as l,o as u,r as d}from"./badge-DZl1Pbvt.js";import{t as f}from"./play-DQTNQ3J6.js";import{D as p,I as m,L as h,O as g,R as _,T as v,b as y,ct as b,it as x,j as S,m as ee,rt as C,st as w,v as T,y as E}from"./index-D1kYSAwz.js";import{t as D}from"./window-BP9UvVd3.js";import{n as O,r as k,t as te}from"./schema-form-CcHtYQT8.js";var A={name:`rotate-ccw-clock`,size:24,node:[[`path`,{d:`M3 12a9 9 0 1 0 9-9 9.75 9.75 0 0 0-6.74 2.74L3 8`,key:`1357e3`}],[`path`,{d:`M3 3v5h5`,key:`1xhq8a`}],[`path`,{d:`M12 7v5l4 2`,key:`1fdv2h`}]],aliases:[`history`]};A.node;var j=a(A),M=e(t(),1),N=300,P=20,F=100,I=b({queryKey:[`workflow-runs`,`recent`],queryFn:async({signal:e})=>(await r.runs({limit:N},e)).runs}),L=b({queryKey:[`workflow-runs`,`counts`],queryFn:({signal:e})=>r.runCounts({},e)}),R=e=>b({queryKey:[`workflow-runs`,`of`,e],queryFn:async({signal:t})=>(await r.runs({workflow:e,limit:P},t)).runs}),z=e=>b({queryKey:[`workflow-insight`,e],queryFn:({signal:t})=>r.workflowInsight(e,{runs:F},t)}),B=e=>b({queryKey:[`saved-graph`,e],queryFn:async({signal:t})=>{try{return await r.savedGraph(e,void 0,t)}catch(e){if(c.from(e).code===`not_found`)return null;throw e}}}),V=(e,t)=>b({queryKey:[`saved-graph`,e,t],staleTime:1/0,queryFn:({signal:n})=>r.savedGraph(e,t,n)}),H=e=>b({queryKey:[`graph-versions`,e],queryFn:({signal:t})=>r.graphVersions(e,t)}),U=(e,t,n)=>b({queryKey:[`graph-difference`,e,t,n],staleTime:1/0,queryFn:({signal:i})=>r.graphDifference(e,{from:t,to:n},i)}),W=b({queryKey:[`graph-schema`],staleTime:1/0,queryFn:({signal:e})=>r.graphSchema(e)}),G=/^.*?does not fit its schema: /s,ne=/^([\w-]+(?:\.[\w-]+)*): (.+)$/s;function K(e,t){if(!G.test(e))return{fields:{},rest:e};let n=new Set(t),r=new Map,i=[];for(let t of e.replace(G,``).split(`; `)){let[,e=``,a=``]=ne.exec(t)??[],[o=``,...s]=e.split(`.`);n.has(o)?r.set(o,[...r.get(o)??[],s.length===0?a:`${s.join(`.`)}: ${a}`]):i.push(t)}return{fields:Object.fromEntries([...r].map(([e,t])=>[e,t.join(`; `)])),rest:i.length===0?void 0:i.join(`; `)}}var q=n();function J({workflow:e,schema:t,start:n,onStarted:r,verb:i=`Start`}){let a=k(t).properties.map(({name:e})=>e),[o,l]=(0,M.useState)({}),[u,d]=(0,M.useState)(a.length===0?`json`:`form`),[p,m]=(0,M.useState)(0),h=w({mutationFn:n,onSuccess:({run:e})=>r(e.id)}),g=h.error===null?void 0:c.from(h.error),_=g&&K(g.message,a);return(0,q.jsxs)(`form`,{className:`flex flex-col gap-4`,onSubmit:e=>{e.preventDefault(),h.mutate(o)},children:[(0,q.jsx)(`div`,{children:u===`form`?(0,q.jsx)(O,{schema:t,value:o,onChange:l,problems:_?.fields??{}}):(0,q.jsx)(te,{label:`Input`,value:o,onChange:l,problem:_&&Z(_.fields)})},`${u}/${p}`),_?.rest!==void 0&&(0,q.jsx)(Y,{text:`${g?.code}: ${_.rest}`}),(0,q.jsxs)(`div`,{className:`flex flex-wrap items-center gap-2`,children:[(0,q.jsxs)(s,{type:`submit`,tone:`primary`,isBusy:h.isPending,children:[(0,q.jsx)(f,{"aria-hidden":!0,className:`size-3.5`}),i]}),(0,q.jsx)(X,{workflow:e,onUse:e=>{l(e),m(p+1)}}),a.length>0&&(0,q.jsx)(s,{tone:`quiet`,onClick:()=>d(u===`form`?`json`:`form`),children:u===`form`?`As JSON`:`As a form`})]})]})}function Y({text:e}){return(0,q.jsx)(`p`,{role:`alert`,className:`text-[13px] break-words text-red`,dir:`auto`,children:e})}function X({workflow:e,onUse:t}){let{data:n=[]}=i(R(e)),[r]=n;return r===void 0?null:(0,q.jsxs)(s,{onClick:()=>void m.fetchQuery(ee(r.id)).then(t,h),children:[(0,q.jsx)(j,{"aria-hidden":!0,className:`size-3.5`}),(0,q.jsxs)(`span`,{children:[`Last input (`,(0,q.jsx)(T,{at:r.startedAt}),`)`]})]})}function Z(e){let t=Object.entries(e).map(([e,t])=>`${e}: ${t}`);return t.length===0?void 0:t.join(`; `)}function re({workflow:e,onClose:t}){let{name:n,description:i,inputSchema:a}=e,o=Q();return(0,q.jsx)(D,{title:`Start ${n}`,about:i,isOpen:!0,onClose:t,children:(0,q.jsx)(J,{workflow:n,schema:a,start:e=>r.startRun({workflow:n,input:e}),onStarted:o})})}function Q(){let e=x();return t=>{_(`Started`),e({to:`/runs/$runId`,params:{runId:t}})}}var ie=[{id:`blank`,title:`Blank`,about:`One node that gives back what it was given.`,text:e=>`name: ${e}
description: ""
nodes:
  begin: { type: transform, value: "\${ input }" }
`},{id:`approval`,title:`Ask before acting`,about:`Calculates, asks a person when it is much, and goes on or ends.`,text:e=>`name: ${e}
description: Asks a person about large amounts.
input:
  type: object
  properties:
    amount: { type: number, description: In euros. }
  required: [amount]
nodes:
  total: { type: tool, tool: safe_calc, input: { expression: "\${ string(input.amount) } * 1.19" } }
  large: { type: condition, if: "\${ input.amount > 100 }" }
  ask: { type: approval, question: "Pay \${ nodes.total.output.result }?" }
  paid: { type: transform, value: { total: "\${ nodes.total.output.result }" } }
  refused: { type: fail, code: denied, message: "It was refused: \${ nodes.ask.output.reason }" }
edges:
  - { from: total, to: large }
  - { from: large, to: ask, case: true }
  - { from: large, to: paid, case: false }
  - { from: ask, to: paid, case: approved }
  - { from: ask, to: refused, case: refused }
`},{id:`map`,title:`For each item`,about:`Does the same for every item of a list, some at a time, and puts the results together.`,text:e=>`name: ${e}
description: Works on each item of a list.
input:
  type: object
  properties:
    items: { type: array, items: { type: number } }
  required: [items]
nodes:
  each:
    type: map
    items: "\${ input.items }"
    concurrency: 4
    do:
      nodes:
        square: { type: tool, tool: safe_calc, input: { expression: "\${ string(item) } ^ 2" } }
      output: "\${ nodes.square.output.result }"
  together: { type: transform, value: { results: "\${ nodes.each.output }" } }
edges:
  - { from: each, to: together }
`},{id:`agent`,title:`Agent with a way out`,about:`Asks Holly, tries again, and says so when that fails.`,text:e=>`name: ${e}
description: Asks an agent and handles its failure.
input:
  type: object
  properties:
    question: { type: string, maxLength: 4000 }
  required: [question]
nodes:
  ask: { type: agent, agent: holly, input: { message: "\${ input.question }" }, retry: { attemptsMax: 3, delayMs: 500 } }
  answer: { type: transform, value: { answer: "\${ nodes.ask.output.reply.content }" } }
  sorry: { type: transform, value: { answer: "\${ nodes.ask.error.message }" } }
edges:
  - { from: ask, to: answer }
  - { from: ask, to: sorry, on: error }
`},{id:`race`,title:`Wait for the first of two`,about:`Waits for a signal and for some time, and goes on with whichever comes first.`,text:e=>`name: ${e}
description: Goes on with a signal, or without one after a minute.
nodes:
  told: { type: wait, signal: go }
  late: { type: wait, ms: 60000 }
  next: { type: transform, join: any, value: { told: "\${ nodes.told.status == 'completed' }" } }
edges:
  - { from: told, to: next }
  - { from: late, to: next }
`}],ae=8;function oe(){let{data:e}=i(I),{data:t}=i(L);return g({topic:`runs`},{onStart:e=>e===`reset`?m.invalidateQueries({queryKey:[`workflow-runs`]}):void 0,onData:({runs:e})=>{m.setQueryData(I.queryKey,(t=[])=>$(e,t)),e.some(({endedAt:e})=>e!==null)&&m.invalidateQueries(L)}}),(0,M.useMemo)(()=>{let n=new Map((t?.byWorkflow??[]).map(({workflow:e,total:t,p50DurationMs:n})=>[e,{recent:[],total:t,p50Ms:n}]));for(let[t,r]of Map.groupBy(e??[],e=>e.workflow)){let e=n.get(t);n.set(t,{total:e?.total??r.length,p50Ms:e?.p50Ms??null,recent:r.slice(0,ae)})}return n},[e,t])}function se(e){let t=R(e),n=i(t);return g({topic:`runs`,filter:{workflows:[e]}},{onStart:e=>e===`reset`?m.invalidateQueries(t):void 0,onData:({runs:e})=>{m.setQueryData(t.queryKey,(t=[])=>$(e,t))}}),n}var ce=300;function $(e,t){return[...new Map([...t,...e].map(e=>[e.id,e])).values()].toSorted((e,t)=>t.startedAt.localeCompare(e.startedAt)).slice(0,ce)}function le({runs:e}){let t=E();return(0,q.jsx)(`span`,{className:`inline-flex items-center gap-0.5`,children:e.toReversed().map(({id:e,status:n,startedAt:r})=>{let i=`${n}, ${y(Date.parse(r)-t)}`;return(0,q.jsx)(o,{text:i,children:(0,q.jsx)(C,{to:`/runs/$runId`,params:{runId:e},"aria-label":`Run ${p(e)}: ${i}`,className:`grid size-6 place-items-center`,children:(0,q.jsx)(`span`,{className:`size-2.5 rounded-full`,style:{background:d[u[n]]}})})},e)})})}function ue({runs:e,empty:t}){return e.length===0?(0,q.jsx)(S,{title:`No runs yet`,children:t}):(0,q.jsx)(`ul`,{className:`-my-2 divide-y divide-line/60`,children:e.slice(0,10).map(({id:e,status:t,startedAt:n,endedAt:r})=>(0,q.jsxs)(`li`,{className:`flex min-h-9 items-center gap-3 text-[13px]`,children:[(0,q.jsx)(l,{status:t}),(0,q.jsx)(C,{to:`/runs/$runId`,params:{runId:e},className:`min-w-0 grow truncate font-mono text-xs text-blue hover:underline`,children:p(e)}),(0,q.jsx)(`span`,{className:`text-end text-ink-2 tabular-nums`,children:r===null?``:v(Date.parse(r)-Date.parse(n))}),(0,q.jsx)(`span`,{className:`w-24 text-end text-ink-2`,children:(0,q.jsx)(T,{at:n})})]},e))})}export{ie as a,J as c,V as d,H as f,j as h,se as i,U as l,z as m,le as n,re as o,B as p,oe as r,Q as s,ue as t,W as u};