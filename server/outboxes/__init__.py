"""Outbox files: what a phone could not send, carried to the server by hand and taken in as if the phone had sent it.

    keys       the city's pair of keys, made from its secret
    sealed     the encrypted file, opened block by block
    contents   what is in it: operations as a push has them, and photos
    taking     both handed in as that phone, by the walks of push and upload

Knows no requests.
"""
