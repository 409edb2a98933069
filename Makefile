# Two commands are all there is: `make run` shows it, `make test` proves it.

.PHONY: help run test
.DEFAULT_GOAL := help

help:
	@echo 'make run   build everything, import the sample, train and serve'
	@echo 'make test  everything that has to pass before a change is done'

run:
	@./scripts/run.sh

test:
	@./scripts/test.sh
