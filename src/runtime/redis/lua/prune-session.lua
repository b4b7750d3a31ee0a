-- Drops a session whose record has expired from the index and the state sets.
-- KEYS: 1 session, 2 session index; then the state sets
-- ARGV: 1 session id
-- Returns: 1 dropped, 0 the record exists
-- Guarantees: an id whose record exists stays in the index.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
for i = 2, #KEYS do redis.call('SREM', KEYS[i], ARGV[1]) end
return 1
