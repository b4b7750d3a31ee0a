-- Removes one message that needs no rebroadcast any more, and its group from the index when it was the last.
-- KEYS: 1 group (a hash), 2 index
-- ARGV: 1 session id, 2 the group's name in the index
-- Returns: how many messages the group still has
-- Guarantees: a group that has messages is in the index.
redis.call('HDEL', KEYS[1], ARGV[1])
local left = redis.call('HLEN', KEYS[1])
if left == 0 then redis.call('SREM', KEYS[2], ARGV[2]) end
return left
