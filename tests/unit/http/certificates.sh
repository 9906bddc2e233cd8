#!/bin/sh
# Makes the certificates of the TLS tests in the directory $1: an authority (ca.pem), a good one (good.pem) and one per
# way of being bad, each with the same key (key.pem), the issuers after the leaf.
set -eu
cd "$1"

cat > ca.cnf <<'CONFIG'
[ca]
default_ca = authority
[authority]
database = index.txt
serial = serial.txt
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[is_ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[server]
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1
[other_name]
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:other.example
[other_address]
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = IP:127.0.0.2
[client_only]
basicConstraints = CA:FALSE
extendedKeyUsage = clientAuth
subjectAltName = DNS:localhost, IP:127.0.0.1
CONFIG
: > index.txt
echo 1000 > serial.txt

key() {
    openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out "$1" 2>/dev/null ||
        openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out "$1" 2>/dev/null
}

authority() { # file, name
    key "$1.key"
    openssl req -x509 -new -key "$1.key" -out "$1.pem" -days 30 -subj "/CN=$2" \
        -config ca.cnf -extensions is_ca
}

leaf() { # file, extensions, issuer, first day, last day
    openssl req -new -key key.pem -subj "/CN=$1" -config ca.cnf -out "$1.csr"
    openssl ca -batch -notext -config ca.cnf -in "$1.csr" -out "$1.pem" -extensions "$2" \
        -cert "$3.pem" -keyfile "${4}" -startdate "$5" -enddate "$6" 2>/dev/null
}

key key.pem
authority ca 'Test authority'
authority stranger 'Unknown authority'

past=20200101000000Z
long_past=20190101000000Z
future=20990101000000Z
far_future=20990201000000Z

leaf good server ca ca.key "$past" "$future"
leaf expired server ca ca.key "$long_past" "$past"
leaf not_yet_valid server ca ca.key "$future" "$far_future"
leaf other_name other_name ca ca.key "$past" "$future"
leaf other_address other_address ca ca.key "$past" "$future"
leaf client_only client_only ca ca.key "$past" "$future"
leaf unknown_issuer server stranger stranger.key "$past" "$future"
# Signed by a certificate that may not sign.
leaf not_an_issuer server good key.pem "$past" "$future"
cat good.pem >> not_an_issuer.pem
openssl req -x509 -new -key key.pem -out self_signed.pem -days 30 -subj /CN=localhost \
    -config ca.cnf -extensions server
