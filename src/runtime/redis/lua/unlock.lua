-- Gives up a cache lock.
-- KEYS: 1 lock
-- ARGV: 1 the holder's token
-- Returns: 1 given up, 0 it was not held under this token
-- Guarantees: a lock that another process took after ours had expired stays.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
