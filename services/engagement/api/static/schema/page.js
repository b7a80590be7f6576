// In a file of its own, so that the page needs no exception from its content security policy.
SwaggerUIBundle({ url: "/schema/openapi.json", dom_id: "#page", deepLinking: true, validatorUrl: null });
