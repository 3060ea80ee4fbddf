#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A zoo of objects, for heap.t: prints address, sys.getsizeof() and type of
each, then a dot, and waits. It touches no type that it need not: asking one
for its __module__ makes it ready, which hid a defect once."""
import sys, os, gc, collections, itertools, functools, array, io, struct, decimal, types, contextvars, weakref, operator, re, datetime, threading, json, asyncio
import xml.etree.ElementTree as ET
zoo=[]
def Z(*xs): zoo.extend(xs)
class S(str): pass
class I(int): pass
class T(tuple): pass
class B(bytes): pass
class L(list): pass
class D(dict): pass
class F(float): pass
class ST(set): pass
class FS(frozenset): pass
class BA(bytearray): pass
class DQ(collections.deque): pass
class OD(collections.OrderedDict): pass
class DD(collections.defaultdict): pass
class C(complex): pass
class E(Exception): pass
class M(types.ModuleType): pass
class O: pass
class SL:
    __slots__=('a','b','c')
class SLD:
    __slots__=('a','__dict__','__weakref__')
class SI(int): __slots__=()
class Meta(type): pass
class MC(metaclass=Meta): x=1
NT=collections.namedtuple('NT','x y z')
def o3():
    o=O(); o.a=1; o.b=2.5; o.c='x'; return o
def gen(n):
    x=[1]*n
    yield x
    yield n
async def coro(n):
    y=(n,)
    await asyncio.sleep(0)
async def agen():
    yield 1
def clos(a):
    def f(b=1,*,c=2): return a,b,c
    return f
g=gen(3); next(g)
co=coro(4); 
try: co.send(None)
except BaseException: pass
ag=agen()
os_=[o3() for i in range(50)]
od=o3(); od.__dict__
Z(0,1,-1,2**29,2**30,2**31,-2**40,2**70,10**100,I(0),I(1),I(2**70),SI(5),True,None,Ellipsis,NotImplemented)
Z('', 'a','abc'*5,'é'*3,'é','€'*9,'\U0001f600'*4,S('abc'),S('€'),S(''),sys.intern('zoo_interned'))
Z(b'',b'a',b'abc'*100,B(b''),B(b'abc'),bytearray(),bytearray(b'123'),BA(b'1234'))
x=bytearray(); [x.append(65) for i in range(100)]; Z(x)
Z((),(1,),(1,2,3)*10,T(),T((1,2,3)),NT(1,2,3),sys.flags,sys.version_info,os.stat('.'),os.times())
Z([],[1],[1,2,3],list(range(100)),L(),L([1,2]),)
x=[]; [x.append(i) for i in range(20)]; Z(x)
Z({},{'a':1},{1:1},{i:i for i in range(100)},{str(i):i for i in range(1000)},D(),D(a=1),collections.OrderedDict(),collections.OrderedDict(a=1,b=2),OD(a=1),collections.defaultdict(int),DD(list,a=1),collections.Counter('abc'))
x={i:i for i in range(50)}; [x.pop(i) for i in range(40)]; Z(x)
Z(set(),{1},set(range(100)),frozenset(),frozenset({1,2}),ST(),ST(range(20)),FS([1]))
Z(1.5,F(1.5),1j,C(2j),range(3),range(10**30),slice(1,2,3))
Z(collections.deque(),collections.deque(range(1000)),collections.deque(range(5),maxlen=3),DQ(),DQ(range(200)))
x=collections.deque(range(1000)); [x.popleft() for i in range(500)]; Z(x)
Z(o3(),od,od.__dict__,O(),SL(),SLD(),MC(),*os_[:3],os_[-1])
Z(O,SL,Meta,MC,int,dict,type,NT,E,OSError,object)
Z(gen,clos(1),clos,lambda:0,len,[].append,o3().__class__.__init__,str.join,int.real,type.__dict__['__mro__'],O.__dict__,os_[0].__str__,E().__str__)
Z(gen.__code__,clos.__code__,coro.__code__,(lambda a,b,*c,**d:(yield a)).__code__,json.dumps.__code__)
Z(g,gen(1),co,ag,(i for i in [1]),sys._getframe())
Z(E(),E(1,2),OSError(1,'x'),OSError(2,'x','y'),UnicodeDecodeError('a',b'b',1,2,'c'),SyntaxError('x'),ImportError('x',name='y'),StopIteration(1),SystemExit(2),KeyError('x'),AttributeError('x'),NameError('x'))
try: 1/0
except Exception as e: ex=e
Z(ex,ex.__traceback__)
Z(sys,types.ModuleType('m'),M('q'),os)
def outer():
    v=1
    def inner(): return v
    return inner
Z(outer().__closure__[0],property(gen),classmethod(gen),staticmethod(gen),super(L,L()))
Z(memoryview(b'abc'),memoryview(bytearray(10)),array.array('i',range(10)),array.array('d'),io.BytesIO(b'abc'*10),io.BytesIO(),io.StringIO('abc'),struct.Struct('iii'),struct.Struct('<4sI'),decimal.Decimal('1.5'),decimal.Decimal('1'*500),decimal.getcontext())
b=io.BytesIO(); b.write(b'x'*1000); Z(b)
el=ET.Element('a',{'b':'c'}); [ET.SubElement(el,'x') for i in range(7)]; Z(el,ET.Element('q'),el[0])
Z(itertools.combinations(range(5),2),itertools.permutations(range(5),2),itertools.permutations(range(5),1),itertools.product(range(5),range(2)),itertools.combinations_with_replacement(range(5),2),itertools.chain([1],[2]),itertools.count(3),itertools.count(1.5),itertools.cycle([1]),itertools.repeat(1),itertools.islice([1],1),itertools.accumulate([1]),itertools.groupby([1]),itertools.starmap(len,[]),itertools.takewhile(len,[]),itertools.dropwhile(len,[]),itertools.filterfalse(len,[]),itertools.compress([1],[1]),itertools.zip_longest([1],[2]),*itertools.tee([1,2,3]))
Z(iter([]),iter(()),iter({}),iter({}.values()),iter({}.items()),iter(set()),iter('abc'),iter('é€'),iter(b''),iter(bytearray()),iter(range(3)),iter(range(10**30)),reversed([]),reversed(()),reversed({}) ,enumerate([]),zip([1]),map(len,[]),filter(len,[]),iter(len,1),{}.keys(),{}.values(),{}.items(),collections.OrderedDict(a=1).keys(),iter(collections.OrderedDict(a=1)),iter(collections.deque([1])),reversed(collections.deque([1])))
Z(functools.partial(gen,1,a=2),functools.lru_cache(None)(gen),functools.lru_cache(5)(gen),functools.cmp_to_key(len),operator.itemgetter(1),operator.attrgetter('a'),operator.methodcaller('x',1))
lc=functools.lru_cache(5)(len); lc('a'); lc('bb'); Z(lc)
w=O(); Z(weakref.ref(w),weakref.ref(w,print),weakref.proxy(w),weakref.WeakValueDictionary(),weakref.WeakSet())
cv=contextvars.ContextVar('cv',default=3); tok=cv.set(5); Z(cv,tok,contextvars.copy_context())
ctx=contextvars.Context(); [ctx.run(contextvars.ContextVar('v%d'%i).set,i) for i in range(40)]; Z(ctx)
Z(types.SimpleNamespace(a=1),types.MappingProxyType({}),re.compile('a(b)c'),re.match('a','a'),threading.Lock(),threading.RLock(),threading.local(),threading.Event(),threading.current_thread())
Z(datetime.date(2020,1,1),datetime.datetime.now(),datetime.time(),datetime.timedelta(1),datetime.timezone.utc)
if sys.version_info>=(3,9): Z(list[int],dict[str,int])
if sys.version_info>=(3,10): Z(int|str,itertools.pairwise([1]))
if sys.version_info>=(3,11): Z(ExceptionGroup('x',[ValueError()]))
if sys.version_info>=(3,12):
    ns={}; exec("type A[T]=list[T]\ndef f[X,*Ts,**P](a:X)->X: return a\nclass G[T]: pass\n",ns); Z(ns['A'],ns['f'],ns['G'],*ns['f'].__type_params__, itertools.batched([1],2))
if sys.version_info>=(3,13): Z(sys._getframe().f_locals, (lambda: sys._getframe())().f_locals)
rb=open('/dev/null','rb'); wb=open('/dev/null','wb'); wb.write(b'x'); Z(sys.stdout,rb,rb.raw,wb,open('/dev/null'),open('/dev/null','r+b',0))
Z(asyncio.new_event_loop())
loop=zoo[-1]; Z(loop.create_future())
gc.collect()
zoo=tuple(zoo)
print(sys.version.split()[0], len(zoo), len(set(map(type,zoo))))
for z in zoo:
    try: s=sys.getsizeof(z)
    except ReferenceError: s=-1
    t=type(z)
    print(id(z), s, (t.__module__+'.' if t.__module__!='builtins' else '')+t.__qualname__, sep='\t')
print('.')
sys.stdout.flush()
sys.stdin.readline()
