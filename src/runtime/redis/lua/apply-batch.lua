-- Applies one batch of relays to one session's trie: nodes, root, counters and the end of the stream entries, all or nothing.
-- KEYS: 1 lease, 2 epoch, 3 nodes, 4 live_root, 5 root (sealed), 6 stats, 7 session, 8 session index, 9 set of active sessions, 10 stream
-- ARGV: 1 instance, 2 epoch, 3 expected root ('' when none), 4 new root, 5 stats, 6 session id, 7 time, 8 relay count, 9 compute
--       units, 10 group, 11 terminal states (between commas), 12 number of digests to delete, 13 number of nodes to write,
--       14 number of entries, 15 number of fields of a new session; then the digests, the pairs digest node, the entry ids,
--       the pairs field value
-- Returns: {'applied'} | {'repeated'}: an earlier run had applied it, entries are gone now
--   | {'sealed', root} | {'closed', state} | {'conflict', current root} | {'fenced', owner, epoch} | {'foreign', key}: nothing changed
-- Guarantees: a crash before it changes nothing, after it nothing is left to repeat; no write by a stale owner; no write to a sealed
-- trie; a live root can always be resolved from the nodes. Nothing it writes keeps a time to live.
local CHUNK = 1000

for i = 3, 9 do
  local kind = redis.call('TYPE', KEYS[i]).ok
  local wanted = 'string'
  if i == 3 or i == 7 then wanted = 'hash' elseif i == 8 or i == 9 then wanted = 'set' end
  if kind ~= 'none' and kind ~= wanted then return {'foreign', KEYS[i]} end
end

local owner = redis.call('GET', KEYS[1])
local epoch = redis.call('GET', KEYS[2])
if owner ~= ARGV[1] or epoch ~= ARGV[2] then return {'fenced', owner or '', epoch or ''} end

local sealed = redis.call('GET', KEYS[5])
if sealed and #sealed == 48 then return {'sealed', sealed} end

local state = redis.call('HGET', KEYS[7], 'state')
if state and string.find(ARGV[11], ',' .. state .. ',', 1, true) then return {'closed', state} end

local current = redis.call('GET', KEYS[4]) or ''
if #current ~= 48 then current = '' end
local repeated = current ~= ARGV[3]
if repeated and current ~= ARGV[4] then return {'conflict', current} end

local at = 16
local deletes, writes, entries, fields = tonumber(ARGV[12]), tonumber(ARGV[13]), tonumber(ARGV[14]), tonumber(ARGV[15])
local function in_chunks(count, call)
  local last = at + count - 1
  while at <= last do
    local to = math.min(at + CHUNK - 1, last)
    call(at, to)
    at = to + 1
  end
end

if repeated then
  at = at + deletes + 2 * writes
else
  -- First of all writes: Redis refuses it when memory is short, and then nothing has changed.
  redis.call('SET', KEYS[4], ARGV[4])
  redis.call('SET', KEYS[6], ARGV[5])
  in_chunks(deletes, function(from, to) redis.call('HDEL', KEYS[3], unpack(ARGV, from, to)) end)
  in_chunks(2 * writes, function(from, to) redis.call('HSET', KEYS[3], unpack(ARGV, from, to)) end)
  redis.call('PERSIST', KEYS[3])
end

local ids = at
at = at + entries
if state then
  redis.call('HSET', KEYS[7], 'relay_count', ARGV[8], 'total_compute_units', ARGV[9], 'last_updated_at', ARGV[7])
else
  redis.call('HSET', KEYS[7], unpack(ARGV, at, at + 2 * fields - 1))
  redis.call('SADD', KEYS[9], ARGV[6])
  redis.call('PERSIST', KEYS[9])
end
redis.call('SADD', KEYS[8], ARGV[6])
redis.call('PERSIST', KEYS[8])
redis.call('PERSIST', KEYS[7])

at = ids
in_chunks(entries, function(from, to)
  redis.call('XACK', KEYS[10], ARGV[10], unpack(ARGV, from, to))
  redis.call('XDEL', KEYS[10], unpack(ARGV, from, to))
end)
return {repeated and 'repeated' or 'applied'}
