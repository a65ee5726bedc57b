# Mutants: small mistakes made by a script, and whether the quick suites notice them.  By hand, before a release.

## make mutants     small mistakes in herd, rules and keeper: which of them do the tests miss?  MUTANTS=200 MUTANTS_SEED=1 MUTANTS_ROOMS=…
.PHONY: mutants
mutants:
	+$(Q)OUT=$(OUT) python3 tests/mutants/mutants.py
