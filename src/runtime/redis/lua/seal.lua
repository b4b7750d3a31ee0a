-- Seals a session's trie: from here on this root, and no other, is claimed.
-- KEYS: 1 lease, 2 epoch, 3 live_root, 4 root (sealed), 5 stats, 6 nodes
-- ARGV: 1 instance, 2 epoch, 3 the root to seal, 4 stats
-- Returns: {'sealed', root}: the root that is sealed now, whoever sealed it
--   | {'conflict', live root}: the trie has another root by now | {'fenced', owner, epoch}
-- Guarantees: the sealed root is written once; it was the live root at that moment; it never expires, nor do its nodes.
local sealed = redis.call('GET', KEYS[4])
if sealed and #sealed == 48 then
  for i = 3, 6 do redis.call('PERSIST', KEYS[i]) end
  return {'sealed', sealed}
end

local owner = redis.call('GET', KEYS[1])
local epoch = redis.call('GET', KEYS[2])
if owner ~= ARGV[1] or epoch ~= ARGV[2] then return {'fenced', owner or '', epoch or ''} end

local live = redis.call('GET', KEYS[3]) or ''
if live ~= ARGV[3] then return {'conflict', live} end

redis.call('SET', KEYS[4], ARGV[3])
redis.call('SET', KEYS[5], ARGV[4])
redis.call('PERSIST', KEYS[3])
redis.call('PERSIST', KEYS[6])
return {'sealed', ARGV[3]}
