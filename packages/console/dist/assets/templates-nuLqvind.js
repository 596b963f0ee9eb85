var e=[{id:`blank`,title:`Blank`,about:`One node that gives back what it was given.`,text:e=>`name: ${e}
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
`}];export{e as t};