"""Single sign-on: the home of the adapters to OpenID Connect, SAML and LDAP. None yet; accounts sign in locally."""
