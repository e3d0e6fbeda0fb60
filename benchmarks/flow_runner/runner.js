// Walks the five questions of `flow.json` with FLOIP's flow runner. Waits for lines on stdin: each is a number of
// conversations to walk; the answer is one line with the steps made and the seconds they took.
//
// Between two replies the session is saved as JSON and read back, as a webhook must. The session is the runner's context,
// which its manual calls the single piece of truth and saves whole. With the argument `apart`, the flow and its texts,
// which are the same for everybody, are left out of what is saved: a user who thinks of it spares a third of the time.
'use strict'

console.info = () => {} // the runner logs every question it stops at; its cost is not the engine's

const {readFileSync} = require('fs')
const {createInterface} = require('readline')
const {join} = require('path')
const {FlowRunner, createContextDataObjectFor} = require('@floip/flow-runner')

const {languages, questions, replies} = JSON.parse(readFileSync(join(__dirname, 'flow.json'), 'utf8'))
const resources = []

function resource(uuid, texts) {
  const values = languages.map(tag => ({content_type: 'TEXT', value: texts[tag], language_id: tag, modes: ['TEXT']}))
  resources.push({uuid, values})
  return uuid
}

function block(question, at) {
  const choices = {}
  question.options.forEach((label, nth) => {
    choices[String(nth + 1)] = resource(`choice-${at}-${nth}`, label)
  })
  return {
    uuid: `block-${at}`,
    name: `question_${at}`,
    label: question.ask.fr,
    type: 'MobilePrimitives.SelectOneResponse',
    config: {prompt: resource(`prompt-${at}`, question.ask), choices},
    exits: [{uuid: `exit-${at}`, name: 'next', default: true, test: '', destination_block: `block-${at + 1}`, config: {}}],
  }
}

const blocks = questions.map(block)
delete blocks[blocks.length - 1].exits[0].destination_block
const flow = {
  uuid: 'flow',
  name: 'five',
  label: 'Five questions',
  last_modified: '2026-01-01 00:00:00.000Z',
  interaction_timeout: 300,
  supported_modes: ['TEXT'],
  languages: languages.map(tag => ({id: tag, label: tag, iso_639_3: tag})),
  blocks,
  first_block_id: 'block-0',
  vendor_metadata: {},
}

const apart = process.argv[2] === 'apart'

function save(context) {
  return JSON.stringify(apart ? {...context, flows: undefined, resources: undefined} : context)
}

function restore(session) {
  return apart ? {...JSON.parse(session), flows: [flow], resources} : JSON.parse(session)
}

// What a citizen sees of a prompt: its words and its numbered choices.
function screen(cursor) {
  const text = uuid => resources.find(one => one.uuid === uuid).values.find(one => one.language_id === 'fr').value
  const {prompt, choices} = cursor.prompt.config
  return [text(prompt), ...choices.map(one => `${one.key} ${text(one.value)}`)].join('\n')
}

async function conversation() {
  const contact = {id: '1', name: 'Citizen', created_at: '2026-01-01 00:00:00.000Z', groups: [], setProperty: () => {}}
  const context = await createContextDataObjectFor(contact, [], 'user', 'org', [flow], 'fr', 'TEXT', resources)
  const runner = new FlowRunner(context)
  let cursor = await runner.run()
  let shown = screen(cursor)
  let session = save(context)
  for (const reply of replies) {
    const next = restore(session)
    const again = new FlowRunner(next)
    const {prompt} = again.hydrateRichCursorFrom(next)
    prompt.value = reply
    cursor = await again.run()
    shown = cursor ? screen(cursor) : ''
    session = save(next)
  }
  if (cursor || shown || JSON.parse(session).delivery_status !== 'FINISHED_COMPLETE') {
    throw new Error('the conversation did not end')
  }
  return 1 + replies.length
}

async function walk(count) {
  const begun = process.hrtime.bigint()
  let steps = 0
  for (let at = 0; at < count; at++) {
    steps += await conversation()
  }
  return {steps, seconds: Number(process.hrtime.bigint() - begun) / 1e9}
}

async function main() {
  for await (const line of createInterface({input: process.stdin})) {
    console.log(JSON.stringify(await walk(Number(line))))
  }
}

main().catch(error => {
  console.error(error.message)
  process.exit(1)
})
