-- Applies one batch of relays to one session's trie: nodes, root, counters and the end of the stream entries, all or nothing.
-- KEYS: 1 lease, 2 epoch, 3 nodes, 4 live_root, 5 root (sealed), 6 stats, 7 session, 8 session index, 9 set of active sessions, 10 stream
-- ARGV: 1 instance, 2 epoch, 3 expected root ('' when none), 4 new root, 5 stats, 6 session id, 7 time, 8 relay count, 9 compute
--       units, 10 group, 11 terminal states (between commas), 12 fields of nodes to delete, 96 bytes each, 13 nodes to write: field of
--       96 bytes, length of the node in 4 bytes (most significant first), node; 14 entry ids, a space behind each;
--       from 15 on the pairs field value of a new session
--       What is thousandfold is packed: an argument for each would cost client and server more than the write itself.
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

local FIELD = 96
local list, size = {}, 0
local function flush(call)
  if size > 0 then call(unpack(list, 1, size)) end
  size = 0
end
local function add(item, call)
  size = size + 1
  list[size] = item
  if size == CHUNK then flush(call) end
end

if not repeated then
  -- First of all writes: Redis refuses it when memory is short, and then nothing has changed.
  redis.call('SET', KEYS[4], ARGV[4])
  redis.call('SET', KEYS[6], ARGV[5])

  local function delete(...) redis.call('HDEL', KEYS[3], ...) end
  for at = 1, #ARGV[12], FIELD do add(string.sub(ARGV[12], at, at + FIELD - 1), delete) end
  flush(delete)

  local function write(...) redis.call('HSET', KEYS[3], ...) end
  local nodes, at = ARGV[13], 1
  while at <= #nodes do
    local length = struct.unpack('>I4', nodes, at + FIELD)
    local node = at + FIELD + 4
    add(string.sub(nodes, at, at + FIELD - 1), write)
    add(string.sub(nodes, node, node + length - 1), write)
    at = node + length
  end
  flush(write)
  redis.call('PERSIST', KEYS[3])
end

if state then
  redis.call('HSET', KEYS[7], 'relay_count', ARGV[8], 'total_compute_units', ARGV[9], 'last_updated_at', ARGV[7])
else
  redis.call('HSET', KEYS[7], unpack(ARGV, 15))
  redis.call('SADD', KEYS[9], ARGV[6])
  redis.call('PERSIST', KEYS[9])
end
redis.call('SADD', KEYS[8], ARGV[6])
redis.call('PERSIST', KEYS[8])
redis.call('PERSIST', KEYS[7])

local function finish(...)
  redis.call('XACK', KEYS[10], ARGV[10], ...)
  redis.call('XDEL', KEYS[10], ...)
end
for id in string.gmatch(ARGV[14], '%S+') do add(id, finish) end
flush(finish)
return {repeated and 'repeated' or 'applied'}
