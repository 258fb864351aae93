# SPDX-License-Identifier: ISC
"""The peers' configurations: the least that does the same job."""
import socket

STREAM_MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so'

NGINX = '''
daemon off; worker_processes 1; pid {dir}/{name}.pid;
error_log {dir}/{name}.log crit; {modules}
events {{ worker_connections 4096; }}
'''
HTTP = '''
http {{ access_log off; keepalive_requests 100000000; keepalive_timeout 600;
  client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2;
  fastcgi_temp_path {dir}/t3; uwsgi_temp_path {dir}/t4;
  scgi_temp_path {dir}/t5; {servers} }}
'''
TENANT = '''
server {{ listen unix:{dir}/hosts/a.example/http-socket backlog=4096;
  location / {{ return 200 "hello\\n"; }} }}
'''
PROXY = '''
upstream tenant {{ server unix:{dir}/hosts/a.example/http-socket;
  keepalive 128; }}
server {{ listen 127.0.0.1:{port} backlog=4096; location / {{
  proxy_pass http://tenant; proxy_http_version 1.1;
  proxy_set_header Connection ""; proxy_set_header Host $host; }} }}
'''
STREAM = '''
stream {{ map $ssl_preread_server_name $tenant {{
    a.example unix:{dir}/hosts/a.example/tls-socket; }}
  server {{ listen 127.0.0.1:{port} backlog=4096; ssl_preread on;
    proxy_pass $tenant; }} }}
'''
HAPROXY = '''
global
 nbthread 1
 maxconn 3000
defaults
 timeout client 600s
 timeout server 600s
 timeout connect 5s
frontend http
 mode http
 bind 127.0.0.1:{http} backlog 4096
 default_backend http
backend http
 mode http
 http-reuse always
 server s unix@{dir}/hosts/a.example/http-socket
frontend tcp
 mode tcp
 bind 127.0.0.1:{tcp} backlog 4096
 default_backend tcp
backend tcp
 mode tcp
 server s unix@{dir}/hosts/a.example/http-socket
frontend sni
 mode tcp
 bind 127.0.0.1:{tls} backlog 4096
 option splice-auto
 tcp-request inspect-delay 5s
 tcp-request content accept if {{ req_ssl_hello_type 1 }}
 use_backend sni if {{ req_ssl_sni -i a.example }}
backend sni
 mode tcp
 option splice-auto
 server s unix@{dir}/hosts/a.example/tls-socket
'''
# Several tenants, by the name that is asked for.
HAPROXY_HOSTS = '''
global
 nbthread 1
 maxconn 3000
defaults
 timeout client 600s
 timeout server 600s
 timeout connect 5s
frontend http
 mode http
 option http-keep-alive
 bind 127.0.0.1:{http} backlog 4096
 use_backend http-%[req.hdr(host),lower]
frontend tls
 mode tcp
 bind 127.0.0.1:{tls} backlog 4096
 option splice-auto
 tcp-request inspect-delay 5s
 tcp-request content accept if {{ req_ssl_hello_type 1 }}
 use_backend tls-%[req_ssl_sni,lower]
'''
HAPROXY_HOST = '''
backend http-{host}
 mode http
 option http-keep-alive
 http-reuse always
 server s unix@{dir}/{host}/http-socket
backend tls-{host}
 mode tcp
 option splice-auto
 server s unix@{dir}/{host}/tls-socket
'''
NGINX_HOST = '''
upstream {host} {{ server unix:{hosts}/{host}/http-socket; keepalive 128; }}
server {{ listen 127.0.0.1:{port} {backlog}; server_name {host};
  location / {{ proxy_pass http://{host}; proxy_http_version 1.1;
  proxy_set_header Connection ""; proxy_set_header Host $host; }} }}
'''
SNIPROXY = '''
user root
pidfile {dir}/sniproxy.pid
error_log {{
 filename {dir}/sniproxy.log
}}
listener 127.0.0.1:{port} {{
 proto tls
 table t
}}
table t {{
 a.example unix:{dir}/hosts/a.example/tls-socket
}}
'''


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def nginx(directory, name, body, modules=''):
    return NGINX.format(dir=directory, name=name, modules=modules) + body


def tenant(directory):
    return nginx(directory, 'tenant', HTTP.format(
        dir=directory, servers=TENANT.format(dir=directory)))


def nginx_http(directory, port):
    return nginx(directory, 'proxy', HTTP.format(
        dir=directory, servers=PROXY.format(dir=directory, port=port)))


def nginx_stream(directory, port):
    return nginx(directory, 'stream',
                 STREAM.format(dir=directory, port=port),
                 f'load_module {STREAM_MODULE};')


def haproxy(directory, http, tcp, tls):
    return HAPROXY.format(dir=directory, http=http, tcp=tcp, tls=tls)


def haproxy_hosts(directory, hosts, http, tls):
    """directory: of the hosts' directories."""
    return HAPROXY_HOSTS.format(http=http, tls=tls) + ''.join(
        HAPROXY_HOST.format(dir=directory, host=host) for host in hosts)


def nginx_hosts(directory, where, hosts, port):
    return nginx(directory, 'proxy', HTTP.format(
        dir=directory, servers=''.join(NGINX_HOST.format(
            hosts=where, host=host, port=port,
            backlog='backlog=4096' if host == hosts[0] else '')
            for host in hosts)))


def sniproxy(directory, port):
    return SNIPROXY.format(dir=directory, port=port)
