-- A cut is read once, by the builder of the prior that it was made for. It is kept for as long as a partition may have
-- stood still in between. Priors stay: whoever reads the log again needs every one of them.

ALTER TABLE priors MODIFY TTL stored + toIntervalDay(90) DELETE WHERE startsWith(version, 'cut/');
