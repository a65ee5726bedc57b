# Installing, the demo, generated files.  Included by the Makefile.

INSTALL ?= install
D       := $(DESTDIR)$(PREFIX)

# program: the folder that it goes to
BINDIR_oxctl        := bin
BINDIR_oxherd       := bin
BINDIR_oxherd-brain := libexec/oxherd
BINDIR_liboxgate.so := libexec/oxherd

# built or written file : where it goes : its mode.  Only what is there is installed.
program_row = $(1):$(BINDIR_$(notdir $(1)))/$(notdir $(1)):0755
manual_row  = $(1):share/man/man$(patsubst .%,%,$(suffix $(1)))/$(notdir $(1)):0644
optional    = $(if $(wildcard $(1)),$(1):$(2):0644)

INSTALLED = $(foreach p,$(PROGRAMS),$(call program_row,$(p))) \
            $(foreach m,$(MANUALS),$(call manual_row,$(m))) \
            $(call optional,packaging/completions/oxctl.bash,share/bash-completion/completions/oxctl) \
            $(call optional,packaging/completions/oxctl.zsh,share/zsh/site-functions/_oxctl) \
            $(call optional,packaging/completions/oxctl.fish,share/fish/vendor_completions.d/oxctl.fish) \
            $(call optional,packaging/oxfile.schema.json,share/oxherd/oxfile.schema.json)

.PHONY: install uninstall
install: all
	$(Q)set -e; for row in $(INSTALLED); do \
		IFS=:; set -- $$row; unset IFS; \
		$(INSTALL) -D -m "$$3" "$$1" "$(D)/$$2"; \
		echo "  INSTALL $(D)/$$2"; \
	done

uninstall:
	$(Q)set -e; for row in $(INSTALLED); do \
		IFS=:; set -- $$row; unset IFS; \
		rm -f "$(D)/$$2"; \
	done
	$(Q)rmdir "$(D)/libexec/oxherd" 2>/dev/null || :

# --- the demo ----------------------------------------------------------------------------------------

.PHONY: demo
demo: all examples
	$(Q)OXHERD_BUILD=$(abspath $(OUT)) sh packaging/demo.sh

# The picture of a terminal in the README: its quick start, as it really runs.  Needs node, and ports 3000 to 3003.
## make recording   docs/recording.svg: the README's quick start in a terminal, drawn anew
.PHONY: recording
recording: all
	$(Q)python3 packaging/recording.py $(OUT) README.md docs/recording.svg

# --- generated files: manuals' tables, the editors' schema, completions -------------------------------

.PHONY: generate check-generated
generate: $(OUT)/oxctl
	$(Q)packaging/generate.sh $(OUT)/oxctl .

# What is kept in the tree must be what the tables say now.
check-generated: $(OUT)/oxctl
	$(Q)rm -rf $(OUT)/generated
	$(Q)packaging/generate.sh $(OUT)/oxctl $(OUT)/generated
	$(Q)cd $(OUT)/generated && find . -type f | while read -r file; do \
		cmp -s "$$file" "$(CURDIR)/$$file" || { echo "$$file: not fresh; run 'make generate'"; exit 1; }; \
	done
