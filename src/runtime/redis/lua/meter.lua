-- Counts what an application has consumed of its stake with one supplier in one session.
-- KEYS: 1 meta, 2 consumed, 3 set of metered sessions, 4 (with an id) set of the ids of relays that were counted
-- ARGV: 1 consume | refund, 2 cost, 3 limit, 4 time to live in s, 5 meta JSON or '', 6 member of set 3 (3 to 6 are unused by refund),
--   7 the relay's id, where it is to be remembered
-- Returns: {1, consumed} counted | {0, consumed} it would exceed the limit, or there was nothing to refund; consumed is decimal text
--   | {2, '0'} there is no counter yet and no meta to make it with: call again with meta
--   | {3, consumed} a relay with that id was counted before
-- Guarantees: what is counted never exceeds the limit; a refused relay leaves no trace; concurrent creation by a Go relayer or by
-- another replica loses no count; the counter always has a time to live and is never negative. An id is counted once until it is
-- refunded, and goes with its set after the same time.
local cost = tonumber(ARGV[2])
local id = ARGV[7] or ''
local consumed = redis.call('GET', KEYS[2])

if ARGV[1] == 'refund' then
  if id ~= '' then redis.call('SREM', KEYS[4], id) end
  if not consumed then return {0, '0'} end
  if tonumber(consumed) < cost then
    redis.call('SET', KEYS[2], '0', 'KEEPTTL')
  else
    redis.call('DECRBY', KEYS[2], ARGV[2])
  end
  return {1, redis.call('GET', KEYS[2])}
end

if id ~= '' and redis.call('SISMEMBER', KEYS[4], id) == 1 then return {3, consumed or '0'} end
if tonumber(consumed or '0') + cost > tonumber(ARGV[3]) then return {0, consumed or '0'} end
if consumed then
  redis.call('INCRBY', KEYS[2], ARGV[2])
  if redis.call('TTL', KEYS[2]) < 0 then redis.call('EXPIRE', KEYS[2], ARGV[4]) end
else
  if ARGV[5] == '' then return {2, '0'} end
  redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[4])
  redis.call('SET', KEYS[1], ARGV[5], 'EX', ARGV[4], 'NX')
  redis.call('SADD', KEYS[3], ARGV[6])
  redis.call('EXPIRE', KEYS[3], ARGV[4])
end
if id ~= '' then
  redis.call('SADD', KEYS[4], id)
  if redis.call('TTL', KEYS[4]) < 0 then redis.call('EXPIRE', KEYS[4], ARGV[4]) end
end
return {1, redis.call('GET', KEYS[2])}
