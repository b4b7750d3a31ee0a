-- Moves a session from one of the expected states to another, with the fields that go with it.
-- KEYS: 1 session, 2 session index, 3 set of the target state, 4 lease, 5 epoch; then the sets of the expected states
-- ARGV: 1 instance ('' when no lease is needed), 2 epoch, 3 session id, 4 target state, 5 time,
--       6 time to live in ms of a session that is over ('' while it is open), 7 number of expected states, 8 number of fields to set;
--       then the expected states, the pairs field value, the fields to delete
-- Returns: {'moved', state it was in} | {'unexpected', state it is in} | {'missing'} | {'fenced', owner, epoch} | {'foreign', key}
-- Guarantees: the record, its index and the state sets agree; a state that is not expected is never overwritten; an open session
-- has no time to live.
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'none' then return {'missing'} end
if kind ~= 'hash' then return {'foreign', KEYS[1]} end

if ARGV[1] ~= '' then
  local owner = redis.call('GET', KEYS[4])
  local epoch = redis.call('GET', KEYS[5])
  if owner ~= ARGV[1] or epoch ~= ARGV[2] then return {'fenced', owner or '', epoch or ''} end
end

local expected, sets = tonumber(ARGV[7]), tonumber(ARGV[8])
local state = redis.call('HGET', KEYS[1], 'state') or ''
local position = nil
for i = 1, expected do
  if ARGV[8 + i] == state then position = i end
end
if not position then return {'unexpected', state} end

local from = 9 + expected
redis.call('HSET', KEYS[1], 'state', ARGV[4], 'last_updated_at', ARGV[5])
if sets > 0 then redis.call('HSET', KEYS[1], unpack(ARGV, from, from + 2 * sets - 1)) end
local deleted = from + 2 * sets
if deleted <= #ARGV then redis.call('HDEL', KEYS[1], unpack(ARGV, deleted, #ARGV)) end

redis.call('SREM', KEYS[5 + position], ARGV[3])
redis.call('SADD', KEYS[3], ARGV[3])
redis.call('SADD', KEYS[2], ARGV[3])
redis.call('PERSIST', KEYS[3])
redis.call('PERSIST', KEYS[2])
if ARGV[6] == '' then
  redis.call('PERSIST', KEYS[1])
else
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
end
return {'moved', state}
