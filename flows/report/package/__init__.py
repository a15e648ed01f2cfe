"""The auditor's package: a BagIt bag with readable artifacts, the vault's own layout, and what proves both."""
