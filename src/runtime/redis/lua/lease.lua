-- One lease: who owns a supplier (or leads the fleet), with an epoch that grows on every acquisition.
-- KEYS: 1 lease (Go's key; its value is the owner's instance id), 2 epoch (ours; never expires)
-- ARGV: 1 acquire | renew | release, 2 instance, 3 epoch ('' for acquire), 4 time to live in ms ('' for release)
-- Returns: {1, epoch} done | {0, epoch, owner, ms left}: someone else's, or ours no more
-- Guarantees: one owner at a time; an owner whose epoch is not the newest cannot renew or release. A Go peer takes the lease
-- without touching the epoch, therefore both are compared.
local owner = redis.call('GET', KEYS[1])
local epoch = redis.call('GET', KEYS[2]) or '0'
local refused = {0, epoch, owner or '', redis.call('PTTL', KEYS[1])}

if ARGV[1] == 'acquire' then
  -- Our own id under the lease is an earlier life of this instance: it gets a new epoch, which fences the old one off.
  if owner and owner ~= ARGV[2] then return refused end
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[4])
  return {1, tostring(redis.call('INCR', KEYS[2]))}
end

if owner ~= ARGV[2] or epoch ~= ARGV[3] then return refused end
if ARGV[1] == 'renew' then
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
else
  redis.call('DEL', KEYS[1])
end
return {1, epoch}
